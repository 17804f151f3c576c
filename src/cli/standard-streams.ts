import { fstatSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { hasCode } from '../platform/os-error.js';
import type { CommandIo } from './command-io.js';

const OUT = 1;

/** The process's own streams. */
export function standardStreams(): CommandIo {
  let fault: Error | undefined;
  const note = (error: unknown): void => {
    fault ??= error instanceof Error ? error : new Error(String(error));
  };
  process.stdout.on('error', note);
  process.stderr.on('error', () => undefined); // nobody is left who could be told
  const write = isFlow() ? writeToFlow : writeWhole;
  return {
    isTerminal: process.stderr.isTTY,
    out: (data) => {
      if (!fault) write(data, note);
    },
    err: (text) => {
      process.stderr.write(text);
    },
    input: () => process.stdin,
    written: () =>
      new Promise((done) => {
        process.stdout.write('', () => {
          done(hasCode(fault, 'EPIPE') ? undefined : fault);
        });
      }),
  };
}

/** Whether standard output is a terminal, a pipe or a socket: what may make its writer wait. */
function isFlow(): boolean {
  const stats = fstatSync(OUT);
  return isatty(OUT) || stats.isFIFO() || stats.isSocket();
}

function writeToFlow(data: string | Uint8Array, onFault: (error: Error) => void): void {
  process.stdout.write(data, (error) => {
    if (error) onFault(error);
  });
}

/**
 * Writes to a file or a device. Node's own stream writes to one once, and does not look whether all of it was taken: by a disk just
 * full it is not.
 */
function writeWhole(data: string | Uint8Array, onFault: (error: unknown) => void): void {
  const bytes = Buffer.from(data);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(OUT, bytes, at);
  } catch (error) {
    onFault(error);
  }
}
