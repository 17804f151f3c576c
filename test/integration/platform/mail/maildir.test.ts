import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import fc from 'fast-check';
import { deliverToMaildir, maildirName } from '../../../../src/platform/mail/maildir.js';

const item = {
  messageId: '00112233445566778899aabbccddeeff',
  deliveryId: 'job-1',
  dateMs: 1_700_000_000_000,
  content: Buffer.from('Subject: x\r\n\r\nhello\r\n'),
};
const name = '1700000000.00112233445566778899aabbccddeeff.openum';

let top = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'openum-maildir-'));
});
afterEach(() => {
  rmSync(top, { recursive: true, force: true });
});

test('a first mail -> the Maildir is made, for its owner alone, and the mail lies in new', async () => {
  const maildir = join(top, 'mail', '1000@example.test');
  assert.equal(await deliverToMaildir(maildir, item), join(maildir, 'new', name));
  assert.deepEqual(readFileSync(join(maildir, 'new', name)), item.content);
  assert.deepEqual(readdirSync(maildir).sort(), ['cur', 'new', 'tmp']);
  assert.deepEqual(readdirSync(join(maildir, 'tmp')), []);
  assert.equal(statSync(join(maildir, 'new', name)).mode & 0o777, 0o600);
  assert.equal(statSync(maildir).mode & 0o777, 0o700);
});

test('the same message twice -> one file, also after a client has read it', async () => {
  const maildir = join(top, 'box');
  await deliverToMaildir(maildir, item);
  await deliverToMaildir(maildir, { ...item, deliveryId: 'job-2' });
  assert.deepEqual(readdirSync(join(maildir, 'new')), [name]);
  const seen = join(maildir, 'cur', `${name}:2,S`);
  renameSync(join(maildir, 'new', name), seen);
  assert.equal(await deliverToMaildir(maildir, item), seen);
  assert.deepEqual(readdirSync(join(maildir, 'new')), []);
});

test('half a file left by a crash -> the next attempt writes it whole', async () => {
  const maildir = join(top, 'box');
  mkdirSync(join(maildir, 'tmp'), { recursive: true });
  writeFileSync(
    join(maildir, 'tmp', `${name}.job_1`),
    'half of something much longer than the mail that is to be written',
  );
  await deliverToMaildir(maildir, item);
  assert.deepEqual(readFileSync(join(maildir, 'new', name)), item.content);
  assert.deepEqual(readdirSync(join(maildir, 'tmp')), []);
});

test('two deliveries of one message at the same moment -> one whole file', async () => {
  const maildir = join(top, 'box');
  await Promise.all([1, 2, 3].map((job) => deliverToMaildir(maildir, { ...item, deliveryId: `job-${String(job)}` })));
  assert.deepEqual(readdirSync(join(maildir, 'new')), [name]);
  assert.deepEqual(readFileSync(join(maildir, 'new', name)), item.content);
});

test('a Maildir that cannot be made -> the error of the file system', async () => {
  writeFileSync(join(top, 'mail'), 'a file');
  await assert.rejects(deliverToMaildir(join(top, 'mail', 'box'), item), { code: 'ENOTDIR' });
});

test('threat: whatever the address, its folder is one plain name below mail', () => {
  for (const address of ['../../etc', '/etc/passwd', '..', '.', '', 'a\0b', 'a/b@c', `${'x'.repeat(500)}@y`]) {
    assert.match(maildirName(address), /^[a-z0-9@_+%-][a-z0-9@_+%.-]*$/);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (address) => {
      assert.match(maildirName(address), /^[a-z0-9@_+%-][a-z0-9@_+%.-]{0,199}$/);
    }),
  );
});

test('an ordinary address is its own folder; addresses that differ in case share one; long ones are told apart', () => {
  assert.equal(maildirName('1000@um.example.test'), '1000@um.example.test');
  assert.equal(maildirName('Bob@Example.Test'), maildirName('bob@example.test'));
  assert.notEqual(maildirName(`${'x'.repeat(400)}1@y`), maildirName(`${'x'.repeat(400)}2@y`));
});
