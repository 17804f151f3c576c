import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPin, verifyPin } from '../../../src/platform/pin-hash.js';

test('a PIN verifies against its hash, another does not, and the PIN is nowhere in it', async () => {
  const hashed = await hashPin('047113');
  assert.equal(await verifyPin('047113', hashed), true);
  assert.equal(await verifyPin('47113', hashed), false);
  assert.doesNotMatch(JSON.stringify(hashed), /047113/);
});

test('the same PIN twice -> two hashes', async () => {
  const [one, other] = [await hashPin('123456'), await hashPin('123456')];
  assert.notEqual(one.hash, other.hash);
});

test('a hash that was made with another cost still verifies', async () => {
  const hashed = { ...(await hashPin('1')), cost: 1_024 };
  assert.equal(await verifyPin('1', hashed), false);
});
