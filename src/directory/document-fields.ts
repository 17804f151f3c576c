import { LIMITS } from '../base/limits.js';

/** Collects what is wrong with a document; beyond a limit it only counts. */
export class DocumentFaults {
  readonly #lines: string[] = [];
  #more = 0;

  /** @param path - as in `mailboxes[2].extensions[0]` */
  add(path: string, value: unknown, rule: string): void {
    this.say(`${path} is ${shown(value)}; ${rule}`);
  }

  say(line: string): void {
    if (this.#lines.length < LIMITS.directoryFaults) this.#lines.push(line);
    else this.#more += 1;
  }

  get any(): boolean {
    return this.#lines.length > 0;
  }

  get lines(): readonly string[] {
    return this.#more === 0 ? this.#lines : [...this.#lines, `and ${String(this.#more)} more faults`];
  }
}

/** What a text must be: the rule in words, and whether one keeps it. */
export interface TextRule {
  readonly words: string;
  holds(text: string): boolean;
}

/** Longest piece of a value that a fault repeats. */
const MOST_SHOWN = 80;

/**
 * The fields of one object of a document. Each is asked for once by name; `finish` then names those that nobody asked for.
 * A value that breaks its rule becomes a fault, and its default (or something of its type) is handed out instead.
 */
export class DocumentFields {
  readonly path: string;
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #faults: DocumentFaults;
  readonly #asked = new Set<string>();

  constructor(value: unknown, path: string, faults: DocumentFaults) {
    this.path = path;
    this.#faults = faults;
    if (isRecord(value)) this.#record = value;
    else {
      this.#record = {};
      faults.add(path === '' ? 'the document' : path, value, 'must be an object');
    }
  }

  /** Where a field stands. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  /** True when the field is there. */
  has(name: string): boolean {
    return Object.hasOwn(this.#record, name);
  }

  /** The value as it stands there; undefined when it does not. */
  raw(name: string): unknown {
    this.#asked.add(name);
    return this.has(name) ? this.#record[name] : undefined;
  }

  text(name: string, rule: TextRule, fallback?: string): string {
    const value = this.#present(name, fallback);
    if (value === undefined) return fallback ?? '';
    if (typeof value === 'string' && rule.holds(value)) return value;
    this.#faults.add(this.at(name), value, `must be ${rule.words}`);
    return fallback ?? '';
  }

  number(name: string, range: readonly [least: number, most: number], fallback?: number): number {
    const [least, most] = range;
    const value = this.#present(name, fallback);
    if (value === undefined) return fallback ?? 0;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.#faults.add(this.at(name), value, `must be a whole number, ${String(least)} to ${String(most)}`);
    return fallback ?? 0;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#present(name, fallback);
    if (value === undefined || typeof value === 'boolean') return value ?? fallback;
    this.#faults.add(this.at(name), value, 'must be true or false');
    return fallback;
  }

  choice<const T extends string>(name: string, words: readonly T[], fallback: T): T {
    const value = this.#present(name, fallback);
    if (value === undefined) return fallback;
    const word = words.find((each) => each === value);
    if (word === undefined) this.#faults.add(this.at(name), value, `must be one of ${words.join(', ')}`);
    return word ?? fallback;
  }

  /** A list of texts without two alike; `least` entries at least, required when that is above 0. */
  texts(name: string, rule: TextRule, least = 0): readonly string[] {
    const value = this.#present(name, least === 0 ? [] : undefined);
    if (value === undefined) return [];
    const most = LIMITS.directoryListEntries;
    if (!isList(value) || value.length < least || value.length > most) {
      this.#faults.add(this.at(name), value, `must be a list of ${String(least)} to ${String(most)} texts`);
      return [];
    }
    return value.filter((entry, index): entry is string => {
      const isGood = typeof entry === 'string' && rule.holds(entry);
      const isNew = value.indexOf(entry) === index;
      const path = `${this.at(name)}[${String(index)}]`;
      if (!isGood) this.#faults.add(path, entry, `must be ${rule.words}`);
      else if (!isNew) this.#faults.add(path, entry, 'stands in this list twice');
      return isGood && isNew;
    });
  }

  /** The list of objects of a section; undefined entries never: a value that is no list becomes a fault. */
  section(name: string): readonly unknown[] {
    const value = this.raw(name);
    if (isList(value)) return value;
    if (value === undefined) this.#faults.say(`${this.at(name)} is missing; write [] for none`);
    else this.#faults.add(this.at(name), value, 'must be a list of objects');
    return [];
  }

  /** Names every field that is not known. */
  finish(): void {
    for (const name of Object.keys(this.#record)) {
      if (this.#asked.has(name)) continue;
      const known = [...this.#asked].join(', ');
      this.#faults.add(this.at(cut(name)), this.#record[name], `there is no such field; there are ${known}`);
    }
  }

  #present(name: string, fallback: unknown): unknown {
    const value = this.raw(name);
    if (value === undefined && fallback === undefined) this.#faults.say(`${this.at(name)} is missing`);
    return value;
  }
}

/** A value as a fault repeats it: JSON, not too long. */
function shown(value: unknown): string {
  return value === undefined ? 'nothing' : cut(JSON.stringify(value));
}

function cut(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
