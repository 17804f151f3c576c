import { UmError } from '../base/errors.js';

/** As many as the store wants: fewer could name another message by a slip. */
const FEWEST_DIGITS = 6;

/**
 * The id of a message or delivery as a person gave it.
 *
 * @throws UmError 'usage-wrong' when it is too short to be meant
 */
export function givenId(id: string): string {
  if (id.length >= FEWEST_DIGITS) return id;
  throw new UmError(
    'usage-wrong',
    `${id} is too short: give at least the first ${String(FEWEST_DIGITS)} digits of the id`,
  );
}
