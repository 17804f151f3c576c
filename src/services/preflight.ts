import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { UmConfig } from '../config/um-config.js';
import type { MessageStore } from '../mailbox/message-store.js';
import { monotonicClock, timers } from '../platform/clock.js';
import { loadConfig, type LoadedConfig, readConfigText, type StartOptions } from '../platform/config/config-file.js';
import { makeDirectory } from '../platform/durable-directory.js';
import { codeOf } from '../platform/os-error.js';
import { pause } from '../platform/pause.js';
import { portOwner } from '../platform/process/port-owner.js';
import { type PortState, probePort } from '../platform/process/port-probe.js';
import { pidFilePath } from '../platform/process/running-daemon.js';
import { DataLock, daemonLockPath } from '../platform/store/data-lock.js';
import { openStorePatiently } from '../platform/store/open-store-patiently.js';
import { hostPortText } from '../protocol/sip/flow.js';
import { makeDemonstration } from './demonstration-directory.js';
import { UM_SERVICE_PORT, WORKER_PORTS } from './worker-start.js';

export interface PreflightOptions {
  readonly start: StartOptions;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Keeps the demonstration's PINs by extension where a person finds them: nobody can find them out later. */
  keepPins(dataDirectory: string, pins: ReadonlyMap<string, string>): Promise<void>;
}

/** What a start needs, found in order. The process's id lies in the data directory. */
export interface ClearPreflight {
  readonly kind: 'clear';
  readonly loaded: LoadedConfig;
  /** Held until the daemon has ended. */
  readonly lock: DataLock;
  /** Whether this start made the demonstration. */
  readonly madeDemonstration: boolean;
}

export type PreflightResult = ClearPreflight | { readonly kind: 'faulty'; readonly faults: readonly UmError[] };

/** What is known of the place to start at, also when the configuration has faults. Absent: not known. */
interface KnownPlace {
  readonly dataDirectory?: string;
  readonly listen?: { readonly address: string | undefined; readonly routerPort: number | undefined };
}

/** Processes of a daemon that was killed a moment ago still hold ports for this long at most. */
const PORTS_PATIENCE_MS = 1_500;
const LOCK_PATIENCE_MS = 500;
const LOOK_EVERY_MS = 100;

/**
 * Looks at everything that could stand in the way of a start, and finds all of it at once: configuration, data directory,
 * another daemon, ports, database. Makes the demonstration when nothing does, nobody configured anything and the directory is
 * empty.
 */
export async function preflight(options: PreflightOptions): Promise<PreflightResult> {
  const { start, environment, log } = options;
  const faults: UmError[] = [];
  const loaded = await attempt(faults, () => loadConfig(start, environment));
  const place = loaded ? placeOf(loaded.config) : certainPlace(start, environment);
  const { dataDirectory } = place;
  const lock = dataDirectory === undefined ? undefined : await attempt(faults, () => takeDirectory(dataDirectory));
  if (place.listen) faults.push(...(await portFaults(place.listen)));
  if (dataDirectory === undefined || !lock) return { kind: 'faulty', faults };
  let isClear = false;
  const store = await attempt(faults, () => openStorePatiently(dataDirectory, log, { timers, clock: monotonicClock }));
  try {
    if (!loaded || !store || faults.length > 0) return { kind: 'faulty', faults };
    const madeDemonstration = await attempt(faults, () => settleIn(options, loaded, store));
    if (madeDemonstration === undefined) return { kind: 'faulty', faults };
    isClear = true;
    return { kind: 'clear', loaded, lock, madeDemonstration };
  } finally {
    await store?.close();
    if (!isClear) leave(dataDirectory, lock);
  }
}

/** The first writes of a start that nothing stands in the way of; whether it made the demonstration. */
async function settleIn(
  options: PreflightOptions,
  { config, file }: LoadedConfig,
  store: MessageStore,
): Promise<boolean> {
  const { dataDirectory } = config;
  try {
    writeFileSync(pidFilePath(dataDirectory), `${String(process.pid)}\n`, { mode: 0o600 });
    if (file !== undefined) {
      await warnOfEmptyDirectory(store, options.log);
      return false;
    }
    return await makeDemonstration(store, config, (pins) => options.keepPins(dataDirectory, pins));
  } catch (error) {
    throw asStartFault(error, dataDirectory);
  }
}

/** A first start with a configuration file looks well, and refuses every call. */
async function warnOfEmptyDirectory(store: MessageStore, log: Logger): Promise<void> {
  const { objects } = await store.readDirectory();
  if (objects.some(({ kind }) => kind === 'mailbox')) return;
  const advice = 'import a directory with ./bin/openum directory import FILE; README has an example';
  log.warn({ event: 'directory-empty' }, `there is no mailbox yet, so every call is refused: ${advice}`);
}

/** A disk that takes nothing, in the words of a start; any other fault as it is. */
function asStartFault(error: unknown, dataDirectory: string): unknown {
  const isStoreFull = error instanceof UmError && error.code === 'store-unavailable';
  const isFileFault = !(error instanceof UmError) && codeOf(error) !== undefined;
  return isStoreFull || isFileFault ? unwritable(error, dataDirectory) : error;
}

function unwritable(error: unknown, dataDirectory: string): UmError {
  const words = error instanceof Error ? error.message : String(error);
  return new UmError('data-unwritable', `${dataDirectory}: ${words}`, { cause: error });
}

function leave(dataDirectory: string, lock: DataLock): void {
  rmSync(pidFilePath(dataDirectory), { force: true });
  lock.release();
}

function placeOf({ dataDirectory, listenAddress, sipTcpListeningPort }: UmConfig): KnownPlace {
  return { dataDirectory, listen: { address: listenAddress, routerPort: sipTcpListeningPort } };
}

/** With a faulty file, what flags and environment say is still certain, and so is what the file does not even mention. */
function certainPlace(start: StartOptions, environment: NodeJS.ProcessEnv): KnownPlace {
  try {
    const { config, file } = loadConfig({ ...start, inherited: {} }, environment);
    const text = file === undefined ? '' : textOf(file);
    const isCertain = (key: string): boolean => text?.includes(key) === false;
    const hasData = start.data !== undefined || isCertain('DataDirectory');
    const hasListen = start.listen !== undefined || isCertain('ListenAddress');
    const routerPort = isCertain('SipTcpListeningPort') ? config.sipTcpListeningPort : undefined;
    return {
      ...(hasData ? { dataDirectory: config.dataDirectory } : {}),
      ...(hasListen ? { listen: { address: config.listenAddress, routerPort } } : {}),
    };
  } catch {
    return {}; // flags or environment are at fault themselves
  }
}

function textOf(file: string): string | undefined {
  try {
    return readConfigText(file);
  } catch {
    return undefined;
  }
}

/** Runs a step; its fault joins the others. */
async function attempt<T>(faults: UmError[], step: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof UmError)) throw error;
    faults.push(error);
    return undefined;
  }
}

async function takeDirectory(dataDirectory: string): Promise<DataLock> {
  await makeWritable(dataDirectory);
  const lock = DataLock.tryAcquire(daemonLockPath(dataDirectory), LOCK_PATIENCE_MS);
  if (lock === undefined) throw new UmError('data-in-use', dataDirectory);
  try {
    // One that a killed daemon left: by now somebody else may have its number, and would get the signals of `openum stop`.
    rmSync(pidFilePath(dataDirectory), { force: true });
    return lock;
  } catch (error) {
    lock.release();
    throw unwritable(error, dataDirectory);
  }
}

/** Permissions say little (root, read-only mounts, quotas): writing says all. */
async function makeWritable(dataDirectory: string): Promise<void> {
  const probe = join(dataDirectory, `.openum-probe-${String(process.pid)}`);
  try {
    await makeDirectory(dataDirectory);
    writeFileSync(probe, 'can this be written?', { mode: 0o600 });
    rmSync(probe);
  } catch (error) {
    throw unwritable(error, dataDirectory);
  }
}

/** All ports of router and UM service, and one of the two that workers take turns on. */
async function portFaults({ address, routerPort }: NonNullable<KnownPlace['listen']>): Promise<readonly UmError[]> {
  const needed: readonly (readonly [number, string])[] = [
    ...(routerPort === undefined ? [] : [[routerPort, 'call router'] as const]),
    [UM_SERVICE_PORT, 'UM service'],
  ];
  const lines: string[] = [];
  for (const [port, what] of needed) {
    const state = await patientProbe(address, port);
    if (state.kind === 'unusable' && state.code === 'EADDRNOTAVAIL') {
      return [new UmError('config-faulty', `ListenAddress is "${String(address)}", which this machine does not have`)];
    }
    if (state.kind !== 'free') lines.push(`${place(address, port)} (${what}): ${reason(state, address, port)}`);
  }
  const workers = await Promise.all(Object.values(WORKER_PORTS).map((port) => patientProbe(address, port)));
  if (workers.every(({ kind }) => kind !== 'free')) {
    const both = Object.values(WORKER_PORTS).map(
      (port, at) => `${place(address, port)}: ${reason(workers[at], address, port)}`,
    );
    lines.push(`${both.join('; ')} (worker: one of them must be free)`);
  }
  return lines.length === 0 ? [] : [new UmError('port-taken', lines.join('\n'))];
}

async function patientProbe(address: string | undefined, port: number): Promise<PortState> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const state = await probePort(address, port);
    if (state.kind !== 'taken' || waitedMs >= PORTS_PATIENCE_MS) return state;
    await pause(timers, LOOK_EVERY_MS);
  }
}

function place(address: string | undefined, port: number): string {
  if (address === undefined) return `port ${String(port)}`;
  return hostPortText({ address, port });
}

function reason(state: PortState | undefined, address: string | undefined, port: number): string {
  if (state?.kind === 'unusable') return `cannot be opened: ${state.words}`;
  const owner = portOwner(address, port);
  return owner === undefined ? 'in use by another program' : `in use by ${owner}`;
}
