import { type FSWatcher, lstatSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { StartedTimer, Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { CONFIG_KEYS } from '../../config/config-keys.js';
import type { UmConfig } from '../../config/um-config.js';
import { timers as realTimers } from '../clock.js';
import type { ConfigFileSource } from '../../config/read-config.js';
import { evaluate, type LoadedConfig, readConfigText, type StartOptions } from './config-file.js';

export interface ConfigWatcherOptions {
  readonly start: StartOptions;
  readonly environment: NodeJS.ProcessEnv;
  readonly loaded: LoadedConfig;
  readonly log: Logger;
  /** True in one process only: it alone says what changed or is faulty. */
  readonly announce: boolean;
  readonly timers?: Timers;
  /** Called with the configuration in effect after each change to a key that can change while running. */
  onChange(config: UmConfig): void;
}

/** Editors write in several steps (truncate and write, delete and create, rename over): the file is read once they rest. */
const QUIET_MS = 150;

const FIELDS = Object.keys(CONFIG_KEYS) as readonly (keyof UmConfig)[];

/**
 * Follows the configuration file while the program runs. Its directory is watched, for editors replace files; an edit with
 * faults is refused whole and the old values stay; keys that need a restart keep the value that the program started with.
 * Flags and environment go on winning.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #file: string | undefined;
  #watcher: FSWatcher | undefined;
  #timer: StartedTimer | undefined;
  #current: UmConfig;
  #values: Readonly<Record<string, string>>;
  /** Which state of the file was looked at last. */
  #seen = '';
  #lastFault = '';

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    this.#current = options.loaded.config;
    this.#values = options.loaded.values;
    this.#file = options.loaded.file;
    if (this.#file === undefined) return;
    this.#watch(this.#file);
    // What was edited between reading the file and watching it.
    this.#wait();
  }

  /** The configuration in effect. */
  get current(): UmConfig {
    return this.#current;
  }

  /** What a child process is started with: the flags, this very file, and its values that are in effect now. */
  get startOptions(): StartOptions {
    return {
      ...this.#options.start,
      ...(this.#file === undefined ? {} : { configFile: this.#file }),
      inherited: this.#values,
    };
  }

  close(): void {
    this.#timer?.stop();
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(file: string): void {
    try {
      this.#watcher = watch(dirname(file), { persistent: false });
      const isLink = lstatSync(file).isSymbolicLink();
      this.#watcher.on('change', (_, name) => {
        // A link may lead into another directory that is swapped as a whole, by whatever name.
        if (isLink || typeof name !== 'string' || name === basename(file)) this.#wait();
      });
      this.#watcher.on('error', (fault) => {
        this.#cannotWatch(file, fault);
      });
    } catch (fault) {
      this.#cannotWatch(file, fault);
    }
  }

  #cannotWatch(file: string, fault: unknown): void {
    this.#watcher?.close();
    if (!this.#options.announce) return;
    const why = fault instanceof Error ? fault.message : String(fault);
    this.#options.log.warn(
      { event: 'config-unwatched', file, why },
      `${file} cannot be watched (${why}): edits need a restart`,
    );
  }

  #wait(): void {
    this.#timer?.stop();
    this.#timer = (this.#options.timers ?? realTimers).start(QUIET_MS, () => {
      this.#look();
    });
  }

  #look(): void {
    const file = this.#file;
    if (file === undefined) return;
    const state = fileState(file);
    if (state === this.#seen) return;
    this.#seen = state;
    try {
      this.#adopt(file, this.#evaluate(file, { text: readConfigText(file) }));
      this.#lastFault = '';
    } catch (fault) {
      if (!(fault instanceof UmError)) throw fault;
      this.#refuse(file, fault.detail);
    }
  }

  #refuse(file: string, detail: string): void {
    if (!this.#options.announce || detail === this.#lastFault) return;
    this.#lastFault = detail;
    const faults = detail.split('\n');
    this.#options.log.warn(
      { event: 'config-refused', file, faults },
      `the edit of ${file} is refused whole and the old values stay: ${faults.join('; ')}`,
    );
  }

  #evaluate(file: string, content: ConfigFileSource['content']): LoadedConfig {
    return evaluate(this.#options.start, this.#options.environment, file, content);
  }

  #adopt(file: string, edited: LoadedConfig): void {
    const before = this.#current;
    const restart = FIELDS.filter((field) => {
      const { name, takesEffect } = CONFIG_KEYS[field];
      // A default that follows another key (CertificateDirectory follows DataDirectory) was not edited.
      const isEdited = edited.values[name] !== this.#values[name] && edited.config[field] !== before[field];
      return takesEffect === 'restart' && isEdited;
    });
    this.#values = this.#valuesInEffect(edited.values);
    // Evaluated anew, so that defaults follow the values in effect and not those that wait for a restart.
    this.#current = this.#evaluate(file, { values: this.#values }).config;
    const changed = FIELDS.filter((field) => this.#current[field] !== before[field]);
    if (this.#options.announce) this.#announce(file, namesOf(changed), namesOf(restart));
    if (changed.length > 0) this.#options.onChange(this.#current);
  }

  /** The edited values of keys that change while running, the started ones of the others. */
  #valuesInEffect(edited: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const values: Record<string, string> = {};
    for (const key of Object.values(CONFIG_KEYS)) {
      const value = (key.takesEffect === 'running' ? edited : this.#values)[key.name];
      if (value !== undefined) values[key.name] = value;
    }
    return values;
  }

  #announce(file: string, changed: readonly string[], needRestart: readonly string[]): void {
    if (changed.length === 0 && needRestart.length === 0) return;
    const now = changed.length === 0 ? [] : [`${changed.join(', ')} in effect for new calls`];
    const later = needRestart.length === 0 ? [] : [`${needRestart.join(', ')} with the next start`];
    const facts = { event: 'config-changed', file, changed, needRestart };
    this.#options.log.info(facts, `${file} was edited: ${[...now, ...later].join('; ')}`);
  }
}

function namesOf(fields: readonly (keyof UmConfig)[]): readonly string[] {
  return fields.map((field) => CONFIG_KEYS[field].name);
}

/** Differs whenever the file was replaced or written; links are followed. */
function fileState(file: string): string {
  try {
    const stat = statSync(file, { bigint: true });
    return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
  } catch {
    // Reading it will say why.
    return 'unreadable';
  }
}
