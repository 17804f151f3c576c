import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERRORS, type ErrorCode } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/limits.js';
import { VERSION } from '../../src/base/version.js';
import { PROMPT_NAMES } from '../../src/prompts/clip.js';

const top = fileURLToPath(new URL('../..', import.meta.url));
const text = (name: string): string => readFileSync(join(top, name), 'utf8');

function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

const sources = filesBelow('src').map((name) => ({ name, text: text(name) }));
const tests = filesBelow('test').map((name) => ({ name, text: text(name) }));

/** One row of README's table of error codes. */
export function errorRow(code: ErrorCode): string {
  const spec = ERRORS[code];
  const told = 'sip' in spec ? `${String(spec.sip.status)}, ${String(spec.sip.diagnostics)}` : '';
  return `| \`${code}\` | ${told} | ${spec.summary} | ${spec.advice} |`;
}

describe('README', () => {
  test('has every error code with its status, meaning and advice', () => {
    const readme = text('README.md');
    for (const code of Object.keys(ERRORS) as ErrorCode[]) assert.ok(readme.includes(errorRow(code)), errorRow(code));
  });

  test('names every dependency and no other', () => {
    const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> };
    const section = /## Dependencies\n([\s\S]*?)\n## /.exec(text('README.md'))?.[1] ?? '';
    const named = [...section.matchAll(/^\| ([\w@/-]+) \| `/gm)].map((match) => match[1] ?? '');
    assert.deepEqual(named.sort(), Object.keys(dependencies).sort());
  });

  test('links to files that are there', () => {
    const links = [...text('README.md').matchAll(/\]\((?!http|#)([^)]+)\)/g)].map((match) => match[1] ?? '');
    for (const link of links) assert.ok(existsSync(join(top, link)), link);
  });
});

describe('the tables', () => {
  test('every error code is used', () => {
    for (const code of Object.keys(ERRORS))
      assert.ok(
        sources.some((file) => file.name !== join('src', 'base', 'errors.ts') && file.text.includes(`'${code}'`)),
        code,
      );
  });

  test('ms-diagnostics numbers are unique and those of Exchange UM', () => {
    const numbers = Object.values(ERRORS).flatMap((spec) => ('sip' in spec ? [spec.sip.diagnostics] : []));
    assert.equal(new Set(numbers).size, numbers.length);
    for (const number of numbers) assert.ok(number >= 15_000 && number <= 15_999, String(number));
  });

  test('every limit is enforced, and named in a test', () => {
    for (const name of Object.keys(LIMITS)) {
      assert.ok(
        sources.some((file) => file.text.includes(`LIMITS.${name}`)),
        `${name} is enforced`,
      );
      assert.ok(
        tests.some((file) => file.text.includes(name)),
        `${name} is tested`,
      );
    }
  });

  test('the version is that of package.json', () => {
    assert.equal((JSON.parse(text('package.json')) as { version: string }).version, VERSION);
  });

  test('every prompt is shipped', () => {
    for (const name of PROMPT_NAMES) assert.ok(statSync(join(top, 'config/prompts/en-US', `${name}.wav`)).size > 1_000);
  });
});

describe('what admins install', () => {
  test('bin/openum is executable', () => {
    assert.notEqual(statSync(join(top, 'bin/openum')).mode & 0o111, 0);
  });

  test('the systemd unit waits longer for calls than DrainTimeout does', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)/m.exec(text('config/systemd/openum.service'))?.[1]);
    const drain = Number(/key="DrainTimeout" value="(\d+)"/.exec(text('msexchangeum.config.example'))?.[1]);
    assert.ok(seconds > drain, `${String(seconds)} > ${String(drain)}`);
  });
});
