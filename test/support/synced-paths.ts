import { readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { TestContext } from 'node:test';

type Sync = FileHandle['sync'];

/** Until the test ends, `sync` of every open file goes through `around`. */
async function replaceSync(
  t: TestContext,
  around: (file: FileHandle, sync: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const handle = await open('.');
  const prototype = Object.getPrototypeOf(handle) as { sync: Sync };
  await handle.close();
  const { sync } = prototype;
  t.mock.method(prototype, 'sync', function (this: FileHandle): Promise<void> {
    return around(this, () => sync.call(this));
  });
}

/** Writes down what is synced until the test ends: the path of each open file on which `sync` was called, in order. */
export async function recordSyncs(t: TestContext): Promise<readonly string[]> {
  const synced: string[] = [];
  await replaceSync(t, (file, sync) => {
    synced.push(readlinkSync(`/proc/self/fd/${String(file.fd)}`));
    return sync();
  });
  return synced;
}

/** Lets the next `many` syncs fail as those of a sick disk do, after `skipped` that work. */
export async function failSyncs(t: TestContext, many: number, skipped = 0): Promise<void> {
  let calls = 0;
  await replaceSync(t, (_file, sync) => {
    calls += 1;
    const isSick = calls > skipped && calls <= skipped + many;
    return isSick ? Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })) : sync();
  });
}
