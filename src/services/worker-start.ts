import { UmError } from '../base/errors.js';
import type { StartOptions } from '../platform/config/config-file.js';

/** The two sets of ports that generations of workers take turns on. */
export type Generation = 'A' | 'B';

/** SIP over TCP of each generation: the ports that Exchange UM's workers have. */
export const WORKER_PORTS: Readonly<Record<Generation, number>> = Object.freeze({ A: 5065, B: 5067 });

/** SIP over TCP of the UM service; not settable, as in Exchange UM. */
export const UM_SERVICE_PORT = 5062;

/** What a worker process is told at its start: its one argument, as JSON. */
export interface WorkerStart {
  readonly start: StartOptions;
  readonly generation: Generation;
  readonly port: number;
}

/** @throws UmError 'usage-wrong' when the argument is none of ours */
export function readWorkerStart(argument: string | undefined): WorkerStart {
  const value = readJson(argument);
  if (isRecord(value) && isRecord(value['start']) && isGeneration(value['generation'])) {
    const port = value['port'];
    if (typeof port === 'number') return { start: readFlags(value['start']), generation: value['generation'], port };
  }
  throw new UmError('usage-wrong', 'this program is started by `./bin/openum start` only');
}

/** The start options that every service gets as its one argument; @throws UmError 'usage-wrong' likewise */
export function readStartOptions(argument: string | undefined): StartOptions {
  const value = readJson(argument);
  if (!isRecord(value)) throw new UmError('usage-wrong', 'this program is started by `./bin/openum start` only');
  return readFlags(value);
}

function readFlags(value: Readonly<Record<string, unknown>>): StartOptions {
  const { configFile, data, listen, inherited } = value;
  return {
    ...(typeof configFile === 'string' ? { configFile } : {}),
    ...(typeof data === 'string' ? { data } : {}),
    ...(typeof listen === 'string' ? { listen } : {}),
    ...(isRecord(inherited) ? { inherited: onlyTexts(inherited) } : {}),
  };
}

function onlyTexts(value: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isGeneration(value: unknown): value is Generation {
  return value === 'A' || value === 'B';
}
