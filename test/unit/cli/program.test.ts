import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { LIMITS } from '../../../src/base/limits.js';
import { runScripted as run, ScriptedIo } from '../../support/scripted-io.js';

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

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'openum-cli-'));
});
afterEach(() => {
  rmSync(top, { recursive: true });
});

function codeOf(out: string): string {
  return (JSON.parse(out) as { error: { code: string } }).error.code;
}

describe('the command line', () => {
  for (const command of commands) {
    test(`${command.join(' ')} --help has examples and says ./bin/openum`, async () => {
      const { status, out } = await run([...command, '--help']);
      assert.equal(status, 0);
      assert.match(out, /Examples:/);
      assert.match(out, new RegExp(`\\./bin/openum ${command.join(' ')}`));
      assert.match(out, /--data/);
    });
  }

  for (const [words, why] of [
    [[], /say what to do: start, stop, status, test-call, messages, outbox or directory/],
    [['directory'], /say what to do: export FILE or import FILE/],
    [['frobnicate'], /unknown here: frobnicate \(usage: \.\/bin\/openum COMMAND/],
    [['status', '123456'], /unknown here: 123456 \(usage: \.\/bin\/openum status\)/],
    [['status', '--nonsense=1'], /unknown here: --nonsense \(/],
    [['start', '--data.x=1'], /unknown here: --data\.x \(/],
    [['messages', '1000', '2000'], /unknown here: 2000 \(usage: \.\/bin\/openum messages \[extension\]\)/],
    [['messages', 'show'], /an argument is missing \(usage: \.\/bin\/openum messages show <id>\)/],
    [['messages', 'show', '--missed', 'abcdef'], /unknown here: --missed \(/],
    [['messages', 'show', 'abcdef', '--missed'], /unknown here: --missed \(/],
    [['messages', 'mark', 'abcdef'], /say how to mark it: --read/],
    [['messages', 'save', 'abcdef', '-', '--json'], /--json and - both want standard output/],
    [['status', '--json=maybe'], /--json takes no value/],
    [['stop', '--now=5'], /--now takes no value/],
    [['status', '--data', 'a', '--data', 'b'], /--data is given twice/],
    [['status', '--data', ''], /--data is empty/],
    [['status', '--config', ''], /--config is empty/],
    [['start', '--listen', ''], /--listen is empty/],
    [['test-call', '1000', '--to', ''], /--to is empty/],
    [['test-call', '1000', '--from', ''], /--from is empty/],
  ] as const) {
    test(`"${words.join(' ')}" is not understood -> exit status 2, and why in our own words`, async () => {
      const { status, err, out } = await run(words);
      assert.equal(status, 2);
      assert.match(err, why);
      assert.match(err, /\[usage-wrong\]/);
      assert.doesNotMatch(err, /non-option|Unknown argument/);
      if (words.some((word) => word.startsWith('--json'))) assert.equal(codeOf(out), 'usage-wrong');
      else assert.equal(out, '');
    });
  }

  test('a usage fault with --json is one JSON document', async () => {
    for (const words of [['frobnicate', '--json'], ['--json'], ['status', '--json', '--data', '']])
      assert.equal(codeOf((await run(words)).out), 'usage-wrong');
  });

  test('words of the usage are English, whatever the locale', async () => {
    const locale = process.env['LC_ALL'];
    process.env['LC_ALL'] = 'de_DE.UTF-8';
    try {
      assert.match((await run(['--help'])).out, /Commands:[^]*Options:/);
    } finally {
      if (locale === undefined) delete process.env['LC_ALL'];
      else process.env['LC_ALL'] = locale;
    }
  });

  test('what belongs to the list of messages is not offered for one of them', async () => {
    for (const command of ['show', 'save', 'delete', 'mark']) {
      const { out } = await run(['messages', command, '--help']);
      assert.doesNotMatch(out, /extension|--missed/, command);
    }
    assert.match((await run(['messages', '--help'])).out, /Positionals:\n {2}extension [^]*--missed/);
  });

  test('an id of few digits is a slip: exit status 2, and how many are needed', async () => {
    for (const words of [
      ['messages', 'show', '5061f'],
      ['messages', 'save', '5061f'],
      ['messages', 'delete', '5061f'],
      ['messages', 'mark', '5061f', '--read'],
      ['outbox', 'retry', '5061f'],
      ['outbox', 'discard', '5061f'],
    ]) {
      const { status, err } = await run([...words, '--data', top]);
      assert.equal(status, 2, words.join(' '));
      assert.match(err, /5061f is too short.*6 digits/);
    }
  });

  test('output that is lost makes a success a failure, told on the other stream; a failure keeps its status', async () => {
    const lost = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    for (const words of [['--version'], ['status', '--help'], ['messages', '--help', '--json']]) {
      const { status, err } = await run(words, new ScriptedIo({ lost }));
      assert.equal(status, 1);
      assert.match(err, /standard output cannot be written: ENOSPC: no space left on device \[file-unusable\]/);
    }
    assert.equal((await run(['frobnicate', '--json'], new ScriptedIo({ lost }))).status, 2);
  });

  test('--version prints the version', async () => {
    assert.match((await run(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
  });
});

describe('the directory as a document', () => {
  const empty = '{"dialPlans": [], "mailboxPolicies": [], "mailboxes": [], "gateways": [], "huntGroups": []}';
  const document = (...texts: readonly (string | Uint8Array)[]): ScriptedIo =>
    new ScriptedIo({ input: texts.map((text) => Buffer.from(text)) });

  test('- is standard input of import and standard output of export, which has the document alone', async () => {
    const data = join(top, 'data');
    const imported = await run(
      ['directory', 'import', '-', '--data', data],
      document(empty.slice(0, 9), empty.slice(9)),
    );
    assert.equal(imported.status, 0, imported.err);
    const exported = await run(['directory', 'export', '-', '--data', data]);
    assert.equal(exported.status, 0, exported.err);
    assert.deepEqual((JSON.parse(exported.out) as { mailboxes: unknown }).mailboxes, []);
    assert.equal(exported.err, '');
    const again = await run(['directory', 'import', '-', '--data', data], document('\uFEFF', exported.out));
    assert.equal(again.status, 0, again.err);
    assert.equal(existsSync('-'), false);
  });

  test('an export into a file says where it is; only its owner can read it', async () => {
    const data = join(top, 'data');
    const file = join(top, 'directory.json');
    await run(['directory', 'import', '-', '--data', data], document(empty));
    const { status, out, err } = await run(['directory', 'export', file, '--data', data]);
    assert.deepEqual([status, out, err], [0, '', `the directory is in ${file}\n`]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual((JSON.parse(readFileSync(file, 'utf8')) as { dialPlans: unknown }).dialPlans, []);
  });

  test('an export of a data directory that is not there, or empty: exit status 4, and nothing is made', async () => {
    const absent = join(top, 'mistyped');
    const emptied = join(top, 'empty');
    mkdirSync(emptied);
    for (const data of [absent, emptied]) {
      const { status, err } = await run(['directory', 'export', '-', '--data', data]);
      assert.equal(status, 4);
      assert.match(err, /nothing was ever kept in/);
    }
    assert.equal(existsSync(absent), false);
  });

  test('a file that cannot be written or read: exit status 1, and it is no fault of the command line', async () => {
    const data = join(top, 'data');
    await run(['directory', 'import', '-', '--data', data], document(empty));
    for (const [words, why] of [
      [['export', join(top, 'absent', 'x.json')], /x\.json cannot be written: ENOENT: no such file or directory \[/],
      [['export', top], /cannot be written: EISDIR/],
      [['import', join(top, 'absent.json')], /absent\.json cannot be read: ENOENT: no such file or directory \[/],
      [['import', top], /is no regular file/],
      [['import', '/dev/zero'], /\/dev\/zero is no regular file \(- reads standard input\)/],
    ] as const) {
      const { status, err } = await run(['directory', ...words, '--data', data]);
      assert.equal(status, 1, err);
      assert.match(err, why);
      assert.match(err, /\[file-unusable\]/);
      assert.doesNotMatch(err, /--force/);
    }
    const { out } = await run(['directory', 'import', join(top, 'absent.json'), '--json', '--data', data]);
    assert.equal(codeOf(out), 'file-unusable');
  });

  test('threat: input without end is read no further than LIMITS.directoryDocumentBytes', async () => {
    const chunk = new Uint8Array(1_048_576);
    let chunks = 0;
    const endless = function* (): Iterable<Uint8Array> {
      for (; ; chunks += 1) yield chunk;
    };
    const io = new ScriptedIo({ input: endless() });
    const { status, err } = await run(['directory', 'import', '-', '--data', join(top, 'data')], io);
    assert.equal(status, 1);
    assert.match(err, new RegExp(`standard input has more than ${String(LIMITS.directoryDocumentBytes)} bytes`));
    assert.equal(chunks, LIMITS.directoryDocumentBytes / chunk.length);
    assert.ok(LIMITS.directoryDocumentBytes >= 2 * LIMITS.controlRequestBytes, 'an indented file of what is allowed');
  });

  test('what is no JSON, or no UTF-8: line and column', async () => {
    const file = join(top, 'directory.json');
    writeFileSync(file, '{\n  "dialPlans": [],\n  "mailboxes": [,]\n}\n');
    const { status, err } = await run(['directory', 'import', file, '--data', top]);
    assert.equal(status, 1);
    assert.match(err, /directory\.json is no JSON: line 3, column 17: unexpected "," \[directory-invalid\]/);
    assert.doesNotMatch(err, /position/);
    const latin = await run(['directory', 'import', '-', '--data', top], document(Buffer.from('{"é": 1}', 'latin1')));
    assert.match(latin.err, /standard input is not UTF-8 text/);
  });
});

describe('where a test call goes', () => {
  test('without --to to the router of the configuration; the way out names --to and says that no daemon runs', async () => {
    const config = join(top, 'msexchangeum.config');
    writeFileSync(
      config,
      '<configuration><add key="ListenAddress" value="127.77.11.1"/><add key="SipTcpListeningPort" value="5991"/></configuration>',
    );
    const { status, err } = await run(['test-call', '1000', '--config', config, '--data', top]);
    assert.equal(status, 1);
    assert.match(err, /127\.77\.11\.1:5991/);
    assert.ok(err.includes(`no OpenUM runs on ${top}: start it, or name the call router of another with --to`), err);
  });

  test('a name that is not known is no fault of the command line: exit status 1; what is no HOST[:PORT] is: 2', async () => {
    const unknown = await run(['test-call', '1000', '--to', 'no.such.host.invalid', '--data', top]);
    assert.equal(unknown.status, 1);
    assert.match(unknown.err, /no\.such\.host\.invalid is not known.*is --to right\? \[call-failed\]/);
    const wrong = await run(['test-call', '1000', '--to', 'host:port', '--data', top]);
    assert.equal(wrong.status, 2);
  });

  test('a file to say that is not there, or has no end: exit status 1', async () => {
    for (const file of [join(top, 'absent.wav'), '/dev/zero']) {
      const { status, err } = await run(['test-call', '1000', '--say', file, '--to', '127.0.0.1', '--data', top]);
      assert.equal(status, 1);
      assert.match(err, /\[file-unusable\]/);
    }
  });
});
