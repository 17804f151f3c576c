import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Daemon } from '../support/daemon.js';
import { requireProgram, runProgramOf } from '../support/debian-program.js';
import type { MessageFacts } from '../support/site.js';

requireProgram('unshare', 'util-linux');
requireProgram('ip', 'iproute2');

const program = fileURLToPath(new URL('../../bin/openum', import.meta.url));

test('npm start without --listen: callers on IPv4 and on IPv6 leave messages over the same ports', async () => {
  // A network of its own, with nothing but loopback in it: the standard ports of all addresses are free there.
  const through = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
  const daemon = await Daemon.start({ through });
  try {
    await daemon.until(() => daemon.words.some((line) => line.includes('./bin/openum messages save')));
    for (const [from, to] of [
      ['5554444', '127.0.0.1'],
      ['5556666', '[::1]'],
    ] as const) {
      const command = [
        process.execPath,
        program,
        'test-call',
        '1001',
        '--to',
        to,
        '--from',
        from,
        '--data',
        daemon.data,
      ];
      const inside = [`--net=/proc/${String(daemon.pid)}/ns/net`, ...command];
      const { status, output } = await runProgramOf('nsenter', inside, { cwd: tmpdir() }).ended;
      assert.equal(status, 0, output);
    }
    const stored = (): number => daemon.lines.filter(({ event }) => event === 'message-stored').length;
    await daemon.until(() => stored() === 3);
    const messages = (await daemon.json('messages', '1001')) as readonly MessageFacts[];
    assert.deepEqual(messages.map(({ from }) => from).sort(), ['5554444', '5556666']);
    for (const { durationMs, partial } of messages) assert.ok(durationMs > 1_000 && !partial);
  } finally {
    await daemon.dispose();
  }
});
