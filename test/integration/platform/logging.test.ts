import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '../../../src/base/limits.js';
import { LogPipe } from '../../../src/platform/log-pipe.js';

const program = fileURLToPath(new URL('../../fixtures/loud-process.ts', import.meta.url));
/** What lets a child be TypeScript. */
const loader = process.execArgv;
const LINES = 2_000;

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

test('a log into a pipe -> every line, also those that waited for the reader', async () => {
  // A shell's pipe: those of Node are sockets.
  const shell = spawn('sh', ['-c', '"$@" | cat', 'sh', process.execPath, ...loader, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  shell.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(shell, 'close');
  assert.equal(linesOf(text).length, LINES);
});

test('a log into a file -> every line', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openum-log-'));
  const path = join(directory, 'log');
  const child = spawn(process.execPath, [...loader, program], { stdio: ['ignore', openSync(path, 'w'), 'inherit'] });
  await once(child, 'close');
  assert.equal(linesOf(readFileSync(path, 'utf8')).length, LINES);
  rmSync(directory, { recursive: true });
});

test('limit logWaitingBytes: what a stalled reader leaves waiting above it is dropped, what waits comes whole', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openum-log-'));
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const held = openSync(fifo, constants.O_RDWR); // a reader, so that the pipe can be opened for writing
  const writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  const pipe = new LogPipe(writer);
  const line = `${'x'.repeat(65_535)}\n`;
  for (let k = 0; k < 200; k += 1) pipe.write(line);
  const read = join(directory, 'read');
  const cat = spawn('cat', [fifo], { stdio: ['ignore', openSync(read, 'w'), 'inherit'] });
  while (statSync(read).size === 0) pipe.flush();
  pipe.flush();
  closeSync(writer);
  closeSync(held);
  await once(cat, 'exit');
  const { size } = statSync(read);
  assert.equal(size % line.length, 0);
  assert.ok(
    size <= LIMITS.logWaitingBytes + 2 * line.length && size > LIMITS.logWaitingBytes - line.length,
    String(size),
  );
  rmSync(directory, { recursive: true });
});

test('a reader that stalls -> the process ends all the same, with its status', async () => {
  // Nobody reads this pipe: its first 64 kB stay where they are.
  const shell = spawn(
    'sh',
    ['-c', '{ "$@"; echo "$?" >&2; } | sleep 600', 'sh', process.execPath, ...loader, program],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  );
  const [status] = (await once(shell.stderr, 'data')) as [Buffer];
  assert.equal(status.toString(), '7\n');
  process.kill(-(shell.pid ?? 0), 'SIGKILL');
});
