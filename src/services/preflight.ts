import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { UmConfig } from '../config/um-config.js';
import type { MessageStore } from '../mailbox/message-store.js';
import { timers } from '../platform/clock.js';
import { loadConfig, type LoadedConfig, readConfigText, type StartOptions } from '../platform/config/config-file.js';
import { makeDirectory } from '../platform/make-directory.js';
import { portOwner } from '../platform/process/port-owner.js';
import { type PortState, probePort } from '../platform/process/port-probe.js';
import { pidFilePath } from '../platform/process/running-daemon.js';
import { DataLock, daemonLockPath } from '../platform/store/data-lock.js';
import { openStore } from '../platform/store/sql-message-store.js';
import { hostPortText } from '../protocol/sip/flow.js';
import { makeDemonstration } from './demonstration-directory.js';
import { UM_SERVICE_PORT, WORKER_PORTS } from './worker-start.js';

/** What a start needs, found in order. */
export interface ClearPreflight {
  readonly kind: 'clear';
  readonly loaded: LoadedConfig;
  /** Held until the daemon has ended. */
  readonly lock: DataLock;
  /** PINs by extension, when this start made the demonstration. */
  readonly demonstrationPins: ReadonlyMap<string, string> | undefined;
}

export type PreflightResult = ClearPreflight | { readonly kind: 'faulty'; readonly faults: readonly UmError[] };

/** What is known of the place to start at, also when the configuration has faults. Absent: not known. */
interface KnownPlace {
  readonly dataDirectory?: string;
  readonly listen?: { readonly address: string | undefined; readonly routerPort: number | undefined };
}

/** Processes of a daemon that was killed a moment ago still hold ports for this long at most. */
const PORTS_PATIENCE_MS = 1_500;
/** Its mailbox service first finishes the deliveries that it was in. */
const STORE_PATIENCE_MS = 8_000;
const LOCK_PATIENCE_MS = 500;
const LOOK_EVERY_MS = 100;

/**
 * Looks at everything that could stand in the way of a start, and finds all of it at once: configuration, data directory,
 * another daemon, ports, database. Makes the demonstration when nothing does, nobody configured anything and the directory is
 * empty.
 */
export async function preflight(
  start: StartOptions,
  environment: NodeJS.ProcessEnv,
  log: Logger,
): Promise<PreflightResult> {
  const faults: UmError[] = [];
  const loaded = attempt(faults, () => loadConfig(start, environment));
  const place = loaded ? placeOf(loaded.config) : certainPlace(start, environment);
  const lock = takeDirectory(place.dataDirectory, faults);
  if (place.listen) faults.push(...(await portFaults(place.listen)));
  const store =
    place.dataDirectory !== undefined && lock ? await tryStore(place.dataDirectory, log, faults) : undefined;
  try {
    if (!loaded || !lock || !store || faults.length > 0) {
      lock?.release();
      return { kind: 'faulty', faults };
    }
    const demonstrationPins = loaded.file === undefined ? await makeDemonstration(store, loaded.config) : undefined;
    return { kind: 'clear', loaded, lock, demonstrationPins };
  } finally {
    await store?.close();
  }
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
function attempt<T>(faults: UmError[], step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof UmError)) throw error;
    faults.push(error);
    return undefined;
  }
}

function takeDirectory(dataDirectory: string | undefined, faults: UmError[]): DataLock | undefined {
  if (dataDirectory === undefined) return undefined;
  return attempt(faults, () => {
    makeWritable(dataDirectory);
    const lock = DataLock.tryAcquire(daemonLockPath(dataDirectory), LOCK_PATIENCE_MS);
    if (lock === undefined) throw new UmError('data-in-use', dataDirectory);
    // One that a killed daemon left: by now somebody else may have its number, and would get the signals of `openum stop`.
    rmSync(pidFilePath(dataDirectory), { force: true });
    return lock;
  });
}

/** Permissions say little (root, read-only mounts, quotas): writing says all. */
function makeWritable(dataDirectory: string): void {
  const probe = join(dataDirectory, `.openum-probe-${String(process.pid)}`);
  try {
    makeDirectory(dataDirectory);
    writeFileSync(probe, 'can this be written?', { mode: 0o600 });
    rmSync(probe);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new UmError('data-unwritable', `${dataDirectory}: ${words}`, { cause: error });
  }
}

async function tryStore(dataDirectory: string, log: Logger, faults: UmError[]): Promise<MessageStore | undefined> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    try {
      return await openStore(dataDirectory, log);
    } catch (error) {
      if (!(error instanceof UmError)) throw error;
      if (error.code !== 'data-in-use' || waitedMs >= STORE_PATIENCE_MS) {
        faults.push(error);
        return undefined;
      }
    }
    await pause(LOOK_EVERY_MS);
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
    await pause(LOOK_EVERY_MS);
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

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    timers.start(ms, done);
  });
}
