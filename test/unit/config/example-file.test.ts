import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CONFIG_KEYS } from '../../../src/config/config-keys.js';
import { readConfigXml } from '../../../src/config/config-xml.js';
import { nearestName } from '../../../src/config/nearest-name.js';
import { configOf, read } from './value-context.js';

const text = readFileSync(new URL('../../../msexchangeum.config.example', import.meta.url), 'utf8');
const keys = Object.values(CONFIG_KEYS);

/** The comment of a key as one line of words. */
function commentOf(name: string): string {
  const start = text.indexOf(`<!-- ${name}\n`);
  assert.ok(start >= 0, `${name} has its comment`);
  return text.slice(start, text.indexOf('-->', start)).replaceAll(/\s+/g, ' ');
}

describe('msexchangeum.config.example', () => {
  for (const key of keys) {
    test(`${key.name} stands there with unit, range, default, reason and when an edit takes effect`, () => {
      const comment = commentOf(key.name);
      const words = [
        `Reason: ${key.reason}`,
        `Range: ${key.rule.range}`,
        `Default: ${key.default}`,
        `Changes: ${key.takesEffect === 'running' ? 'while running' : 'with the next start'}`,
        ...(key.unit === undefined ? [] : [`Unit: ${key.unit}`]),
      ];
      for (const each of words) assert.ok(comment.includes(each), `${each}\nis not in\n${comment}`);
    });
  }

  test('it names no other key, and none twice', () => {
    const named = Array.from(text.matchAll(/<!-- (\w+)\n/g), (match) => match[1]);
    assert.deepEqual(
      named,
      keys.map((key) => key.name),
    );
    for (const [, name = ''] of text.matchAll(/<add key="(\w+)"/g)) assert.ok(named.includes(name), name);
  });

  test('copied as it is, it changes nothing: what it sets are the defaults', () => {
    const file = { name: 'example', directory: '/etc/openum', content: { text } };
    assert.deepEqual(configOf({ file }), configOf({}));
    const reading = read({ file });
    assert.ok('values' in reading);
    for (const key of keys) {
      const value: string | undefined = reading.values[key.name];
      if (value !== undefined) assert.equal(value, key.default, key.name);
    }
  });

  test('with every example in effect it is read without fault of form', () => {
    const open = text.replaceAll(/\n( *<add [^>]*>) -->/g, ' -->\n$1');
    const { entries, faults } = readConfigXml(open);
    assert.deepEqual(faults, []);
    assert.equal(entries.length, keys.length - 1, 'all but DatabaseUrl');
    const reading = read({ file: { name: 'example', directory: '/etc/openum', content: { text: open } } });
    const message = 'faults' in reading ? reading.faults.join('\n') : '';
    assert.match(message, /^[^\n]*in clear to mail\.example\.com[^\n]*$/, 'only a password in clear is refused');
  });
});

test('nearestName: a slip finds its key, another word finds none', () => {
  const names = keys.map((key) => key.name);
  assert.equal(nearestName('MinimunRtpPort', names), 'MinimumRtpPort');
  assert.equal(nearestName('SmtpPasswordfiles', names), 'SmtpPasswordFile');
  assert.equal(nearestName('Colour', names), undefined);
  assert.equal(nearestName('', names), undefined);
});
