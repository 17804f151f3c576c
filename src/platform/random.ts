import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../base/random.js';

/** Randomness of the operating system: not guessable by a peer. */
export const cryptoRandom: Random = {
  integer: (below) => randomInt(below),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
