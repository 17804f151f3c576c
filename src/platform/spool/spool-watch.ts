import { type FSWatcher, watch } from 'node:fs';

/**
 * Tells when something happens in the spool's directories, where the system can: it is a hint that saves waiting for the next
 * look, nothing relies on it.
 */
export class SpoolWatch {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches exactly these directories from now on. */
  follow(directories: readonly string[]): void {
    for (const [path, watcher] of this.#watchers) {
      if (directories.includes(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of directories) if (!this.#watchers.has(path)) this.#add(path);
  }

  close(): void {
    this.follow([]);
  }

  #add(path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, (_kind, name) => {
        // Audio that grows and locks that are tried are no news.
        if (name === null || !/\.(rec|new|lock)$/.test(name)) this.#onChange();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, watcher);
    } catch {
      // No watches left on this system, or the directory is gone: the next look finds what is there.
    }
  }
}
