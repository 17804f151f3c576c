import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProgram } from '../../../src/cli/program.js';

async function run(...words: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io = {
    isTerminal: false,
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const status = await runProgram(words, io, {});
  return { status, out, err };
}

const commands = [
  ['start'],
  ['stop'],
  ['status'],
  ['test-call'],
  ['messages'],
  ['messages', 'show'],
  ['messages', 'save'],
  ['messages', 'delete'],
  ['messages', 'mark'],
  ['outbox'],
  ['outbox', 'retry'],
  ['outbox', 'discard'],
  ['directory'],
  ['directory', 'export'],
  ['directory', 'import'],
];

describe('the command line', () => {
  for (const command of commands) {
    test(`${command.join(' ')} --help has examples and says ./bin/openum`, async () => {
      const { status, out } = await run(...command, '--help');
      assert.equal(status, 0);
      assert.match(out, /Examples:/);
      assert.match(out, new RegExp(`\\./bin/openum ${command.join(' ')}`));
      assert.match(out, /--data/);
    });
  }

  for (const words of [
    [],
    ['frobnicate'],
    ['messages', 'mark', 'abcdef'],
    ['status', '--nonsense'],
    ['messages', 'show'],
  ]) {
    test(`"${words.join(' ')}" is not understood -> exit status 2, and why`, async () => {
      const { status, err } = await run(...words);
      assert.equal(status, 2);
      assert.match(err, /usage-wrong/);
    });
  }

  test('a usage fault with --json is one JSON document', async () => {
    const { out } = await run('frobnicate', '--json');
    assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'usage-wrong');
  });

  test('words of the usage are English, whatever the locale', async () => {
    const locale = process.env['LC_ALL'];
    process.env['LC_ALL'] = 'de_DE.UTF-8';
    try {
      assert.match((await run('frobnicate')).err, /Unknown argument: frobnicate/);
    } finally {
      if (locale === undefined) delete process.env['LC_ALL'];
      else process.env['LC_ALL'] = locale;
    }
  });

  test('test-call without --to calls the router of the configuration', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'openum-to-'));
    const config = join(directory, 'msexchangeum.config');
    writeFileSync(
      config,
      '<configuration><add key="ListenAddress" value="127.77.11.1"/><add key="SipTcpListeningPort" value="5991"/></configuration>',
    );
    const { status, err } = await run('test-call', '1000', '--config', config);
    rmSync(directory, { recursive: true });
    assert.equal(status, 1);
    assert.match(err, /127\.77\.11\.1:5991/);
  });

  test('--version prints the version', async () => {
    assert.match((await run('--version')).out, /^\d+\.\d+\.\d+\n$/);
  });
});
