import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { HashedPin } from '../directory/objects.js';

/** scrypt's N: about 40 ms of CPU, in libuv's thread pool. Kept beside each hash, so that it can be raised. */
const COST = 16_384;
const HASH_BYTES = 32;

/** Hashes a PIN with a salt of its own. */
export async function hashPin(pin: string): Promise<HashedPin> {
  const salt = randomBytes(16);
  const hash = await derive(pin, salt, COST);
  return { salt: salt.toString('hex'), hash: hash.toString('hex'), cost: COST };
}

/** Whether `pin` is the one that was hashed; takes the same time for every wrong one. */
export async function verifyPin(pin: string, hashed: HashedPin): Promise<boolean> {
  const expected = Buffer.from(hashed.hash, 'hex');
  const actual = await derive(pin, Buffer.from(hashed.salt, 'hex'), hashed.cost);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function derive(pin: string, salt: Uint8Array, cost: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, HASH_BYTES, { N: cost, maxmem: 256 * cost * 8 }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
