import { accessSync, constants, copyFileSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UmError } from '../base/errors.js';
import type { MessageReport } from '../mailbox/control-protocol.js';
import { hasCode } from '../platform/os-error.js';
import { fileUnusable } from './file-fault.js';

/**
 * Copies a message's WAV file; the absolute path of the copy. Without a `file` it goes to the working directory, under a name of
 * caller and time in which only letters, digits, `+` and `-` of the caller's number stand (the caller chose it).
 *
 * @throws UmError 'not-found' when the message has no audio, 'file-unusable' when the copy cannot be written
 */
export function saveAudio(message: MessageReport, file: string | undefined, replace: boolean): string {
  const source = audioFileOf(message);
  const target = resolve(file ?? defaultName(message));
  try {
    copyFileSync(source, target, replace ? 0 : constants.COPYFILE_EXCL);
  } catch (error) {
    throw notWritten(target, error);
  }
  return target;
}

function notWritten(target: string, error: unknown): UmError {
  const isThere = hasCode(error, 'EEXIST') || hasCode(error, 'EISDIR');
  if (isThere && statSync(target, { throwIfNoEntry: false })?.isDirectory() === true)
    return new UmError('file-unusable', `${target} is a directory: name a file in it`);
  if (isThere) return new UmError('file-unusable', `${target} is there already (--force replaces it)`);
  return fileUnusable(`${target} cannot be written`, error);
}

/**
 * A message's WAV file, whole.
 *
 * @throws UmError 'not-found' when the message has no audio, 'file-unusable' when it cannot be read
 */
export function readAudio(message: MessageReport): Uint8Array {
  return readFileSync(audioFileOf(message));
}

function audioFileOf(message: MessageReport): string {
  if (message.audioFile === null) throw new UmError('not-found', `message ${message.id} has no audio: a missed call`);
  try {
    accessSync(message.audioFile, constants.R_OK);
  } catch (error) {
    throw fileUnusable(`${message.audioFile}, the audio of message ${message.id}, cannot be read`, error);
  }
  return message.audioFile;
}

function defaultName(message: MessageReport): string {
  const caller = message.from.replace(/[^\dA-Za-z+-]/g, '').slice(0, 40) || 'anonymous';
  return `${caller}-${message.receivedAt.slice(0, 19).replaceAll(':', '')}.wav`;
}
