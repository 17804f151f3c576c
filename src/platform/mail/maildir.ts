import { createHash } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, syncDirectory } from '../durable-directory.js';

/** File systems take names of 255 bytes; a longer address is cut, and told from others by a hash. */
const FOLDER_NAME_BYTES = 200;

/** One mail for a Maildir. */
export interface MaildirItem {
  /** Bare id of the message, of letters and digits: the file is named after it, so that a second delivery finds the first. */
  readonly messageId: string;
  /** What tells two deliveries in progress apart. */
  readonly deliveryId: string;
  /** Milliseconds since 1970 UTC: the name begins with it, and clients sort by it. */
  readonly dateMs: number;
  readonly content: Uint8Array;
}

/** Name of the folder for an address, without any character that a file system or a shell gives a meaning. */
export function maildirName(address: string): string {
  const safe = Array.from(address.toLowerCase(), (character, at) =>
    /[a-z0-9@_+-]/.test(character) || (character === '.' && at > 0) ? character : percentBytes(character),
  ).join('');
  if (safe.length > 0 && safe.length <= FOLDER_NAME_BYTES) return safe;
  const digest = createHash('sha256').update(address.toLowerCase()).digest('hex').slice(0, 32);
  return `${safe.slice(0, FOLDER_NAME_BYTES - 33)}-${digest}`;
}

function percentBytes(character: string): string {
  return Array.from(Buffer.from(character, 'utf8'), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/**
 * Puts a mail into a Maildir, which is made if need be: written and synced under `tmp`, moved into `new`, both directories
 * synced. Once it resolves the mail outlives a power cut. A second delivery of the same message changes nothing, also
 * when a client has moved the first to `cur` meanwhile.
 *
 * @param maildir - absolute path of the Maildir
 * @returns absolute path of the mail's file
 * @throws Error of node:fs, for instance ENOSPC
 */
export async function deliverToMaildir(maildir: string, item: MaildirItem): Promise<string> {
  const name = `${String(Math.floor(item.dateMs / 1_000))}.${item.messageId}.openum`;
  await makeMaildir(maildir);
  const delivered = await findDelivered(maildir, name);
  if (delivered !== undefined) return delivered;
  const unfinished = join(maildir, 'tmp', `${name}.${item.deliveryId.replace(/[^A-Za-z0-9]/g, '_')}`);
  const finished = join(maildir, 'new', name);
  try {
    await writeSynced(unfinished, item.content);
    await rename(unfinished, finished);
  } catch (fault) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw fault;
  }
  await syncDirectory(join(maildir, 'new'));
  return finished;
}

async function makeMaildir(maildir: string): Promise<void> {
  for (const folder of ['tmp', 'new', 'cur']) await makeDirectory(join(maildir, folder));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** A client renames `new/NAME` to `cur/NAME:2,FLAGS`. */
async function findDelivered(maildir: string, name: string): Promise<string | undefined> {
  const unseen = join(maildir, 'new', name);
  if (await exists(unseen)) {
    await syncDirectory(join(maildir, 'new'));
    return unseen;
  }
  const seen = (await readdir(join(maildir, 'cur'))).find((entry) => entry === name || entry.startsWith(`${name}:`));
  return seen === undefined ? undefined : join(maildir, 'cur', seen);
}

async function writeSynced(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
