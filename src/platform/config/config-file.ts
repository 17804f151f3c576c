import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { ValueContext } from '../../config/config-values.js';
import { type ConfigFileSource, readConfig } from '../../config/read-config.js';
import type { UmConfig } from '../../config/um-config.js';

/** The flags of a command, JSON-able: handed to every child process. */
export interface StartOptions {
  readonly configFile?: string;
  readonly data?: string;
  readonly listen?: string;
  /**
   * The values of the configuration file that are in effect in the parent, by key. A child starts with them rather than with
   * what the file says by then: a faulty edit must not keep a worker from being replaced. Never set from a command line.
   */
  readonly inherited?: Readonly<Record<string, string>>;
}

export interface LoadedConfig {
  readonly config: UmConfig;
  /** Absolute path of the file that was read; undefined when there is none. */
  readonly file: string | undefined;
  /** The file's values by key, as they were written. */
  readonly values: Readonly<Record<string, string>>;
}

/** Looked for in the working directory when no file is named. */
const STANDARD_NAME = 'msexchangeum.config';

/**
 * Reads the configuration: flags, environment, the file named (else `./msexchangeum.config` if it is there), defaults.
 *
 * @throws UmError 'config-faulty'; its detail has one line per fault, all of them
 */
export function loadConfig(options: StartOptions, environment: NodeJS.ProcessEnv): LoadedConfig {
  const path = findFile(options);
  if (options.inherited) return evaluate(options, environment, path, { values: options.inherited });
  return evaluate(options, environment, path, path === undefined ? undefined : { text: readConfigText(path) });
}

/**
 * The same from a file's content that is at hand already.
 *
 * @throws UmError 'config-faulty'
 */
export function evaluate(
  options: StartOptions,
  environment: NodeJS.ProcessEnv,
  path: string | undefined,
  content: ConfigFileSource['content'] | undefined,
): LoadedConfig {
  const flags = {
    ...(options.data === undefined ? {} : { data: options.data }),
    ...(options.listen === undefined ? {} : { listen: options.listen }),
  };
  const file = path === undefined || !content ? {} : { file: { name: path, directory: dirname(path), content } };
  const reading = readConfig({ flags, environment, ...file }, valueContext());
  if ('faults' in reading) throw new UmError('config-faulty', reading.faults.join('\n'));
  return { config: reading.config, file: path, values: reading.values };
}

/**
 * The text of a configuration file.
 *
 * @throws UmError 'config-faulty': it cannot be read, is too large, or is not UTF-8
 */
export function readConfigText(path: string): string {
  const bytes = readBounded(path);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new UmError('config-faulty', `${path}: not UTF-8 text; save it as UTF-8`, { cause });
  }
}

function readBounded(path: string): Uint8Array {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new UmError('config-faulty', `${path}: not a file`);
    if (stat.size > LIMITS.configBytes) {
      throw new UmError(
        'config-faulty',
        `${path}: larger than ${String(LIMITS.configBytes)} bytes: this is no configuration file`,
      );
    }
    // One byte more than allowed: a file that grows meanwhile is refused by its text.
    const bytes = new Uint8Array(LIMITS.configBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } catch (cause) {
    if (cause instanceof UmError) throw cause;
    throw new UmError('config-faulty', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function findFile(options: StartOptions): string | undefined {
  if (options.configFile !== undefined) return resolve(options.configFile);
  // A child of a parent without a file has none either, even if one appeared meanwhile.
  if (options.inherited) return undefined;
  const standard = resolve(STANDARD_NAME);
  return statSync(standard, { throwIfNoEntry: false }) === undefined ? undefined : standard;
}

function valueContext(): ValueContext {
  return {
    hostName: hostname(),
    workingDirectory: process.cwd(),
    resolvePath: (base, path) => resolve(base, path),
    passwordFileFault,
  };
}

/** A password that everybody on the machine can read is none. */
function passwordFileFault(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return 'not a file';
    if ((stat.mode & 0o007) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      return `others may read or write it (mode ${mode}); allowed: 0600 or 0640, as by chmod 600`;
    }
    if (readFileSync(path).length === 0) return 'empty; its first line must be the password';
    return undefined;
  } catch (cause) {
    return `cannot be read: ${reasonOf(cause)}`;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/, \w+ '.*$/, '') : String(cause);
}
