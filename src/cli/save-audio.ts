import { constants, copyFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { UmError } from '../base/errors.js';
import type { MessageReport } from '../mailbox/control-protocol.js';

/**
 * Copies a message's WAV file; the absolute path of the copy. Without a `file` it goes to the working directory, under a name of
 * caller and time in which only letters, digits, `+` and `-` of the caller's number stand (the caller chose it).
 *
 * @throws UmError 'not-found' when the message has no audio, 'request-invalid' when the copy cannot be written
 */
export function saveAudio(message: MessageReport, file: string | undefined, replace: boolean): string {
  if (message.audioFile === null) throw new UmError('not-found', `message ${message.id} has no audio: a missed call`);
  const target = resolve(file ?? defaultName(message));
  try {
    copyFileSync(message.audioFile, target, replace ? 0 : constants.COPYFILE_EXCL);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') throw new UmError('request-invalid', `${target} is there already (--force replaces it)`);
    throw new UmError('request-invalid', error instanceof Error ? error.message : String(error), { cause: error });
  }
  return target;
}

function defaultName(message: MessageReport): string {
  const caller = message.from.replace(/[^\dA-Za-z+-]/g, '').slice(0, 40) || 'anonymous';
  return `${caller}-${message.receivedAt.slice(0, 19).replaceAll(':', '')}.wav`;
}
