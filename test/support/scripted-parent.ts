import type { FromChild, FromParent, ParentLink } from '../../src/platform/process/parent-link.js';

/** A parent process that says what a test wants, and writes down what it is told. */
export class ScriptedParent implements ParentLink {
  readonly told: FromChild[] = [];
  isClosed = false;
  readonly #watchers = new Set<() => void>();
  #listener: ((message: FromParent) => void) | undefined;
  #onLost: (() => void) | undefined;

  send(message: FromChild): void {
    this.told.push(message);
    for (const watcher of [...this.#watchers]) watcher();
  }

  onMessage(listener: (message: FromParent) => void): void {
    this.#listener = listener;
  }

  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Says something to the child. */
  tell(message: FromParent): void {
    this.#listener?.(message);
  }

  /** Dies. */
  die(): void {
    this.#onLost?.();
  }

  /** Resolves once the child has said something of this kind. */
  heard(kind: FromChild['kind']): Promise<void> {
    if (this.told.some((message) => message.kind === kind)) return Promise.resolve();
    return new Promise((resolve) => {
      const watcher = (): void => {
        if (this.told.at(-1)?.kind !== kind) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }
}
