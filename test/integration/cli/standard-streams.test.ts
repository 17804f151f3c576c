import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const loader = new URL('../../support/register-ts.mjs', import.meta.url).href;
const DOCUMENT = '{"dialPlans": [], "mailboxPolicies": [], "mailboxes": [], "gateways": [], "huntGroups": []}';

let top: string;
before(() => {
  top = mkdtempSync(join(tmpdir(), 'openum-streams-'));
});
after(() => {
  rmSync(top, { recursive: true });
});

/** Runs a line of the shell in which `"$@"` is the program. */
async function shell(line: string, input = ''): Promise<{ status: number; out: string; err: string }> {
  const words = [process.execPath, '--no-warnings', '--import', loader, program];
  const env = { ...process.env, NODE_TEST_CONTEXT: '', OPENUM_DATA: join(top, 'data') };
  const child = spawn('sh', ['-c', line, 'sh', ...words], { cwd: top, env });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.on('error', () => undefined).end(input);
  const [status] = (await once(child, 'close')) as [number];
  return { status, out, err };
}

describe("the process's own streams", () => {
  test('a document comes in by standard input and goes out by standard output, whole', async () => {
    const imported = await shell('"$@" directory import -', DOCUMENT);
    assert.equal(imported.status, 0, imported.err);
    const exported = await shell('"$@" directory export - > all.json && "$@" directory export - | cat');
    assert.equal(exported.status, 0, exported.err);
    assert.equal(exported.out, readFileSync(join(top, 'all.json'), 'utf8'));
    assert.deepEqual((JSON.parse(exported.out) as { gateways: unknown }).gateways, []);
  });

  test('a full disk: exit status 1, and a line that says so', async () => {
    for (const words of ['--help', 'status --json', 'directory export -']) {
      const { status, err } = await shell(`"$@" ${words} > /dev/full`);
      assert.equal(status, words.startsWith('status') ? 3 : 1, words);
      assert.match(err, /standard output cannot be written: ENOSPC.* \[file-unusable\]/, words);
    }
  });

  test('a file system that takes a part of it only: lost output is a failure too', async () => {
    const { status, err } = await shell('ulimit -f 1; "$@" messages --help > part.txt');
    const { size } = statSync(join(top, 'part.txt'));
    assert.ok(size > 0 && size <= 1_024, String(size));
    assert.equal(status, 1);
    assert.match(err, /standard output cannot be written: EFBIG/);
  });

  test('a reader that goes early (| head) ends it quietly', async () => {
    const { status, err } = await shell('{ "$@" --help; echo "status $?" >&2; } | head -c 1 > /dev/null; exit 0');
    assert.equal(status, 0);
    assert.equal(err, 'status 0\n');
    const gone = await shell('{ "$@" --help; echo "status $?" >&2; } | true');
    assert.equal(gone.err, 'status 0\n');
  });
});
