import { constants, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { UmError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { CommandIo } from './command-io.js';
import { STANDARD_STREAM } from './command-words.js';
import { fileUnusable } from './file-fault.js';
import { describeJsonFault } from './json-fault.js';

/**
 * Writes a document to a file that its owner alone can read (a directory has names and numbers of people), or to standard output.
 *
 * @throws UmError 'file-unusable'
 */
export function writeDocument(path: string, document: unknown, io: CommandIo): void {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (path === STANDARD_STREAM) {
    io.out(text);
    return;
  }
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw fileUnusable(`${path} cannot be written`, error);
  }
}

/**
 * Reads a document from a file or from standard input.
 *
 * @throws UmError 'file-unusable' when it cannot be read, is no regular file or is too large, 'directory-invalid' when it is no JSON
 */
export async function readDocument(path: string, io: CommandIo): Promise<unknown> {
  const isInput = path === STANDARD_STREAM;
  const name = isInput ? 'standard input' : path;
  const bytes = await reading(name, () => (isInput ? collect(name, io.input()) : readRegularFile(path)));
  return parseDocument(name, bytes);
}

async function reading(name: string, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UmError) throw error;
    throw fileUnusable(`${name} cannot be read`, error);
  }
}

async function readRegularFile(path: string): Promise<Uint8Array> {
  // Without waiting: a pipe that nobody writes to would hold the command for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile())
      throw new UmError('file-unusable', `${path} is no regular file (- reads standard input)`);
    return await collect(path, file.createReadStream({ autoClose: false }));
  } finally {
    await file.close();
  }
}

async function collect(name: string, source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > LIMITS.directoryDocumentBytes)
      throw new UmError('file-unusable', `${name} has more than ${String(LIMITS.directoryDocumentBytes)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseDocument(name: string, bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UmError('directory-invalid', `${name} is not UTF-8 text; save it as UTF-8`, { cause: error });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const where = describeJsonFault(text) ?? String(error);
    throw new UmError('directory-invalid', `${name} is no JSON: ${where}`, { cause: error });
  }
}
