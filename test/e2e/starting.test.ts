import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, ownLoopbackAddress, runCommand } from '../support/daemon.js';
import { deliveredMails, type MessageFacts, Site } from '../support/site.js';

describe('npm start on an empty data directory', () => {
  test('a demonstration: PINs in a file of their own, one test call to mailbox 1000, its message and e-mail', async () => {
    const daemon = await Daemon.start({ listen: ownLoopbackAddress(0) });
    try {
      const pins = join(daemon.data, 'initial-pins.txt');
      assert.equal(statSync(pins).mode & 0o777, 0o600);
      assert.match(readFileSync(pins, 'utf8'), /1000.*\d{6}/);
      await daemon.until(() => daemon.words.some((line) => line.includes('./bin/openum messages save')));
      const words = daemon.words.join('\n');
      for (const port of [5060, 5062, 5065]) assert.match(words, new RegExp(`:${String(port)}\\b`));
      assert.doesNotMatch(words, /PIN \d/, 'no PIN in what a log may keep');
      const [message] = (await daemon.json('messages', '1000')) as readonly MessageFacts[];
      assert.ok(message?.audioFile && existsSync(message.audioFile));
      assert.equal(deliveredMails(daemon.data).length, 1);
      const [callers] = (await daemon.json('messages', '1001')) as readonly MessageFacts[];
      assert.equal(callers, undefined);
    } finally {
      await daemon.dispose();
    }
  });

  test('test-call finds the server of its data directory, leaves a message and exits with 0; to an unknown extension with 1', async () => {
    const site = await Site.make({ which: 1 });
    const daemon = await site.start();
    try {
      const done = await daemon.command('test-call', '1001');
      assert.equal(done.status, 0, done.stdout + done.stderr);
      assert.ok(done.stderr.includes(`./bin/openum messages 1001 --data ${daemon.data}`), done.stderr);
      await daemon.logged(({ event }) => event === 'message-stored');
      const refused = await daemon.command('test-call', '1055', '--to', site.listen);
      assert.equal(refused.status, 1);
      assert.match(refused.stdout, /404.*\[mailbox-unknown\]\n {2}What to do: enable a mailbox/);
      const lost = await daemon.command('test-call', '1001', '--to', `${ownLoopbackAddress(7)}:5060`);
      assert.equal(lost.status, 1);
      assert.match(lost.stderr, /OpenUM runs on .*: name the address of its call router with --to/);
    } finally {
      await daemon.dispose();
      site.remove();
    }
  });
});

describe('start-up faults: clear lines, all at once, exit status 2', () => {
  async function faultOf(options: { listen: string; data?: string; configFile?: string }): Promise<string> {
    const daemon = Daemon.spawn(options);
    try {
      const { status } = await daemon.ended();
      assert.equal(status, 2, daemon.transcript());
      return daemon.transcript();
    } finally {
      await daemon.dispose();
    }
  }

  test('ports in use are all named, with the way out', async () => {
    const listen = ownLoopbackAddress(2);
    const squatters = await Promise.all(
      [5060, 5062].map(async (port) => {
        const squatter = createServer().listen(port, listen);
        await once(squatter, 'listening');
        return squatter;
      }),
    );
    const words = await faultOf({ listen });
    assert.match(words, /5060/);
    assert.match(words, /5062/);
    assert.match(words, /--listen/);
    for (const squatter of squatters) squatter.close();
  });

  test('a bad configuration names each fault with line, key, value and range', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'openum-bad-'));
    const configFile = join(directory, 'msexchangeum.config');
    writeFileSync(
      configFile,
      '<configuration>\n<add key="MinimumRtpPort" value="12"/>\n<add key="NoSuchKey" value="1"/>\n</configuration>\n',
    );
    const words = await faultOf({ listen: ownLoopbackAddress(3), configFile });
    assert.match(words, /2.*MinimumRtpPort.*12/);
    assert.match(words, /3.*NoSuchKey/);
    rmSync(directory, { recursive: true });
  });

  test('a damaged database', async () => {
    const data = mkdtempSync(join(tmpdir(), 'openum-damaged-'));
    writeFileSync(join(data, 'openum.db'), 'this is no database at all, only some text'.repeat(100));
    assert.match(await faultOf({ listen: ownLoopbackAddress(4), data }), /database-damaged/);
    rmSync(data, { recursive: true });
  });

  test('a second daemon on the same data directory', async () => {
    const site = await Site.make({ which: 5 });
    const daemon = await site.start();
    assert.match(await faultOf({ listen: ownLoopbackAddress(6), data: site.data }), /data-in-use/);
    await daemon.dispose();
    site.remove();
  });

  test('a data directory that cannot be made', async () => {
    assert.match(await faultOf({ listen: ownLoopbackAddress(6), data: '/proc/openum' }), /data-unwritable/);
  });
});

describe('the command line without a daemon', () => {
  test('status and stop exit with 3; unknown words with 2; an unknown message with 4', async () => {
    const data = mkdtempSync(join(tmpdir(), 'openum-none-'));
    const statusOf = async (...args: readonly string[]): Promise<number> =>
      (await runCommand([...args, '--data', data], data)).status;
    assert.equal(await statusOf('status'), 3);
    assert.equal(await statusOf('stop'), 3);
    assert.equal(await statusOf('frobnicate'), 2);
    assert.equal(await statusOf('messages', 'show', 'abcdef'), 4);
    assert.equal(await statusOf('directory', 'export', '-'), 4);
    assert.equal(await statusOf('directory', 'import', join(data, 'absent.json')), 1);
    rmSync(data, { recursive: true });
  });

  test('--json prints exactly one JSON document, also of a fault', async () => {
    const data = mkdtempSync(join(tmpdir(), 'openum-none-'));
    const { stdout } = await runCommand(['status', '--json', '--data', data], data);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'daemon-absent');
    rmSync(data, { recursive: true });
  });

  test('a directory document is refused with all its faults', async () => {
    const data = mkdtempSync(join(tmpdir(), 'openum-none-'));
    const file = join(data, 'directory.json');
    writeFileSync(file, JSON.stringify({ dialPlans: [{ name: '', numberOfDigitsInExtension: 99 }], mailboxes: [{}] }));
    const { status, stderr } = await runCommand(['directory', 'import', file, '--data', data], data);
    assert.equal(status, 1);
    assert.match(stderr, /dialPlans\[0\]\.numberOfDigitsInExtension/);
    assert.match(stderr, /mailboxes\[0\]/);
    rmSync(data, { recursive: true });
  });
});
