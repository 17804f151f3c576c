import { UmError } from '../base/errors.js';

/** What the operating system says of a file, without the call and the path that Node adds. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+(?: '.*)?$/su, '') : String(error);
}

/** @param what - one clause: which file, and what could not be done with it */
export function fileUnusable(what: string, error: unknown): UmError {
  return new UmError('file-unusable', `${what}: ${reasonOf(error)}`, { cause: error });
}
