import { CONFIG_KEYS, type ConfigKey, environmentName } from './config-keys.js';
import { asHostName, isLocalHost, type ValueContext } from './config-values.js';
import { type ConfigEntry, readConfigXml } from './config-xml.js';
import { nearestName } from './nearest-name.js';
import type { UmConfig } from './um-config.js';

/** What stands in a file: its text, or the values that were read from it before. */
export interface ConfigFileSource {
  /** As it is called in faults. */
  readonly name: string;
  /** Absolute; relative paths in the file begin here. */
  readonly directory: string;
  readonly content: { readonly text: string } | { readonly values: Readonly<Record<string, string>> };
}

/** Where settings come from; the first that has a key wins: flags, environment, file, default. */
export interface ConfigSources {
  readonly flags: { readonly data?: string; readonly listen?: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file?: ConfigFileSource;
}

export type ConfigReading =
  | { readonly faults: readonly string[] }
  | {
      readonly config: UmConfig;
      /** The file's values by key, as they were written. */
      readonly values: Readonly<Record<string, string>>;
    };

/** UDP or TCP ports of UM service and workers, which cannot be moved. */
const FIXED_PORTS: readonly number[] = [5062, 5063, 5065, 5066, 5067, 5068];

/** Longest piece of a refused value that a fault repeats. */
const MOST_SHOWN = 80;

/** A value as it was given somewhere. */
interface Given {
  readonly text: string;
  readonly base: string;
  /** Where, for people: `msexchangeum.config line 7`. */
  readonly where: string;
}

/** Reads all sources into a frozen configuration, or names every fault at once, one line each. */
export function readConfig(sources: ConfigSources, context: ValueContext): ConfigReading {
  const faults: string[] = [];
  const entries = readFile(sources.file, faults);
  const reader = new Reader(givenValues(sources, entries, context), context, faults);
  const config = buildConfig(reader);
  checkTogether(config, reader);
  if (faults.length > 0) return { faults };
  return { config: Object.freeze(config), values: Object.fromEntries(entries.map(({ key, value }) => [key, value])) };
}

/** The file's entries under the exact names of their keys; each key once. */
function readFile(file: ConfigFileSource | undefined, faults: string[]): readonly ConfigEntry[] {
  if (!file) return [];
  if ('values' in file.content) {
    return Object.entries(file.content.values).map(([key, value]) => ({ key, value, line: 0 }));
  }
  const read = readConfigXml(file.content.text);
  faults.push(...read.faults.map(({ line, what }) => `${place(file, line)}: ${what}`));
  const names = Object.values(CONFIG_KEYS).map((key) => key.name);
  const known = new Map<string, ConfigEntry>();
  for (const entry of read.entries) {
    const where = place(file, entry.line);
    const name = names.find((each) => each.toLowerCase() === entry.key.toLowerCase());
    const earlier = known.get(name ?? '');
    if (name === undefined) faults.push(`${where}: ${unknownKey(entry.key, names)}`);
    else if (earlier)
      faults.push(`${where}: ${name} stands there twice, first on line ${String(earlier.line)}; remove one`);
    else known.set(name, { ...entry, key: name });
  }
  return [...known.values()];
}

function unknownKey(key: string, names: readonly string[]): string {
  const nearest = nearestName(key, names);
  const hint = nearest === undefined ? 'msexchangeum.config.example has every key' : `did you mean ${nearest}?`;
  return `there is no key ${quoted(key)}; ${hint}`;
}

function place(file: ConfigFileSource, line: number): string {
  return line === 0 ? file.name : `${file.name} line ${String(line)}`;
}

/** For each key what was given for it, the strongest first. An empty value is none. */
function givenValues(
  sources: ConfigSources,
  entries: readonly ConfigEntry[],
  context: ValueContext,
): ReadonlyMap<string, readonly Given[]> {
  const base = context.workingDirectory;
  const given = new Map<string, Given[]>();
  const add = (key: { readonly name: string }, text: string | undefined, where: string, from = base): void => {
    if (text === undefined || text === '') return;
    given.set(key.name, [...(given.get(key.name) ?? []), { text, base: from, where }]);
  };
  add(CONFIG_KEYS.dataDirectory, sources.flags.data, '--data');
  add(CONFIG_KEYS.listenAddress, sources.flags.listen, '--listen');
  add(CONFIG_KEYS.dataDirectory, sources.environment['OPENUM_DATA'], 'OPENUM_DATA in the environment');
  for (const key of Object.values(CONFIG_KEYS)) {
    const variable = environmentName(key);
    add(key, sources.environment[variable], `${variable} in the environment`);
  }
  for (const { key, value, line } of entries) {
    if (sources.file) add({ name: key }, value, place(sources.file, line), sources.file.directory);
  }
  return given;
}

/** Takes values one by one and collects what is wrong with them. */
class Reader {
  readonly context: ValueContext;
  readonly faults: string[];
  readonly #given: ReadonlyMap<string, readonly Given[]>;

  constructor(given: ReadonlyMap<string, readonly Given[]>, context: ValueContext, faults: string[]) {
    this.#given = given;
    this.context = context;
    this.faults = faults;
  }

  /** The strongest value given for a key; weaker ones are checked too, for they count once the stronger is gone. */
  take<T, F>(key: ConfigKey<T>, fallback: F): T | F {
    const values = this.givenFor(key).map(({ text, base, where }) => {
      const value = key.rule.read(text, base, this.context);
      if (value === undefined) this.faults.push(`${where}: ${key.name} is ${quoted(text)}; allowed: ${allowed(key)}`);
      return value;
    });
    return values[0] ?? fallback;
  }

  /** Names where the values of several keys stand that do not go together. */
  fault(keys: readonly { readonly name: string }[], what: string): void {
    const places = keys.flatMap((key) => this.givenFor(key)[0]?.where ?? []);
    this.faults.push(`${places.length === 0 ? 'defaults' : [...new Set(places)].join(' and ')}: ${what}`);
  }

  givenFor(key: { readonly name: string }): readonly Given[] {
    return this.#given.get(key.name) ?? [];
  }
}

function allowed(key: { readonly rule: { readonly range: string }; readonly unit?: string }): string {
  return key.unit === undefined ? key.rule.range : `${key.rule.range} (${key.unit})`;
}

/** A value as a fault repeats it: one line, not too long. */
function quoted(text: string): string {
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
  return `"${line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}...` : line}"`;
}

function buildConfig(reader: Reader): UmConfig {
  const keys = CONFIG_KEYS;
  const context = reader.context;
  const serverName = reader.take(keys.serverName, asHostName(context.hostName));
  const dataDirectory = reader.take(keys.dataDirectory, context.resolvePath(context.workingDirectory, 'data'));
  const listen = reader.take(keys.listenAddress, undefined);
  return {
    minimumRtpPort: reader.take(keys.minimumRtpPort, 20_000),
    maximumRtpPort: reader.take(keys.maximumRtpPort, 29_999),
    listenAddress: listen === '' ? undefined : listen,
    advertisedAddress: reader.take(keys.advertisedAddress, undefined),
    serverName,
    dataDirectory,
    databaseUrl: reader.take(keys.databaseUrl, undefined),
    umStartupMode: reader.take(keys.umStartupMode, 'Dual'),
    sipTcpListeningPort: reader.take(keys.sipTcpListeningPort, 5060),
    sipTlsListeningPort: reader.take(keys.sipTlsListeningPort, 5061),
    certificateDirectory: reader.take(keys.certificateDirectory, context.resolvePath(dataDirectory, 'certificates')),
    trustDirectory: reader.take(keys.trustDirectory, context.resolvePath(dataDirectory, 'trust')),
    minimumTlsVersion: reader.take(keys.minimumTlsVersion, '1.2'),
    workerRecycleIntervalS: reader.take(keys.workerRecycleIntervalS, 604_800),
    workerStartTimeoutS: reader.take(keys.workerStartTimeoutS, 30),
    workerHangTimeoutS: reader.take(keys.workerHangTimeoutS, 30),
    drainTimeoutS: reader.take(keys.drainTimeoutS, 1_860),
    smtpHost: reader.take(keys.smtpHost, undefined),
    smtpPort: reader.take(keys.smtpPort, 25),
    smtpTls: reader.take(keys.smtpTls, 'none'),
    smtpProtocol: reader.take(keys.smtpProtocol, 'smtp'),
    smtpUser: reader.take(keys.smtpUser, undefined),
    smtpPasswordFile: reader.take(keys.smtpPasswordFile, undefined),
    mailFrom: reader.take(keys.mailFrom, `voicemail@${serverName}`),
    mailRetryForHours: reader.take(keys.mailRetryForHours, 120),
    logLevel: reader.take(keys.logLevel, 'info'),
    routerProcesses: reader.take(keys.routerProcesses, 1),
    mediaIo: reader.take(keys.mediaIo, 'auto'),
  };
}

/** Rules over more than one key. */
function checkTogether(config: UmConfig, reader: Reader): void {
  checkPorts(config, reader);
  checkMail(config, reader);
  if (config.umStartupMode === 'TLS') {
    reader.fault(
      [CONFIG_KEYS.umStartupMode],
      'UMStartupMode is "TLS", which is not implemented yet; allowed: TCP, Dual',
    );
  }
}

function checkPorts(config: UmConfig, reader: Reader): void {
  const { minimumRtpPort: least, maximumRtpPort: most } = config;
  const range = [CONFIG_KEYS.minimumRtpPort, CONFIG_KEYS.maximumRtpPort];
  const words = `MinimumRtpPort is ${String(least)}, MaximumRtpPort is ${String(most)}`;
  if (least >= most) reader.fault(range, `${words}; the minimum must be below the maximum`);
  else if (least + (least % 2) + 1 > most) {
    reader.fault(range, `${words}; between them must be an even port and the odd one above it`);
  }
  const tcp = config.sipTcpListeningPort;
  const tls = config.sipTlsListeningPort;
  const routers = [CONFIG_KEYS.sipTcpListeningPort, CONFIG_KEYS.sipTlsListeningPort];
  if (tcp === tls)
    reader.fault(routers, `SipTcpListeningPort and SipTlsListeningPort are both ${String(tcp)}; they must differ`);
  for (const key of routers) {
    const port = key === CONFIG_KEYS.sipTcpListeningPort ? tcp : tls;
    if (!FIXED_PORTS.includes(port)) continue;
    reader.fault(
      [key],
      `${key.name} is ${String(port)}, which belongs to UM service and workers; allowed: any but ${FIXED_PORTS.join(', ')}`,
    );
  }
}

function checkMail(config: UmConfig, reader: Reader): void {
  const { smtpUser: user, smtpPasswordFile: file, smtpHost: host } = config;
  const keys = CONFIG_KEYS;
  // A key whose value was refused is not missing: its own fault says enough.
  const isGiven = (key: { readonly name: string }): boolean => reader.givenFor(key).length > 0;
  if (user !== undefined && !isGiven(keys.smtpPasswordFile)) {
    reader.fault([keys.smtpUser], `SmtpUser is ${quoted(user)}, but SmtpPasswordFile is missing`);
  }
  if (file !== undefined && !isGiven(keys.smtpUser)) {
    reader.fault([keys.smtpPasswordFile], `SmtpPasswordFile is ${quoted(file)}, but SmtpUser is missing`);
  }
  const unusable = file === undefined ? undefined : reader.context.passwordFileFault(file);
  if (unusable !== undefined)
    reader.fault([keys.smtpPasswordFile], `SmtpPasswordFile is ${quoted(file ?? '')}: ${unusable}`);
  if (user !== undefined && host !== undefined && config.smtpTls === 'none' && !isLocalHost(host)) {
    reader.fault(
      [keys.smtpUser, keys.smtpTls],
      `SmtpTls is "none", which would send the password of SmtpUser in clear to ${host}; allowed with SmtpUser: starttls, tls`,
    );
  }
}
