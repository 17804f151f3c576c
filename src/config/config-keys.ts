import {
  choice,
  hostName,
  listenAddress,
  path,
  plainText,
  reachableHost,
  sender,
  type ValueRule,
  wholeNumber,
} from './config-values.js';
import type { UmConfig } from './um-config.js';

/** One key of msexchangeum.config: how it is written, and what the example file says of it. */
export interface ConfigKey<T> {
  readonly name: string;
  readonly rule: ValueRule<T>;
  /** What one counts: seconds, hours; absent where there is nothing to count. */
  readonly unit?: string;
  /** The default as one would write it, or in words where it depends on the machine. */
  readonly default: string;
  /** What the key is for, and why one would change it. */
  readonly reason: string;
  /** `running`: an edit takes effect at once, for new calls. `restart`: with the next start. */
  readonly takesEffect: 'running' | 'restart';
}

/** The keys by the names that the program uses; values that may be absent have no `undefined` here. */
export type ConfigKeys = { readonly [Name in keyof UmConfig]: ConfigKey<NonNullable<UmConfig[Name]>> };

const port = wholeNumber(1, 65_535);

const network = {
  minimumRtpPort: {
    name: 'MinimumRtpPort',
    rule: wholeNumber(1_024, 65_534),
    unit: 'UDP port',
    default: '20000',
    reason:
      'First port for audio. Each call takes an even port and the odd one above it, and two generations of workers may ' +
      'overlap: 100 calls need 400 ports. The default stays clear of the ports that Linux hands out by itself (32768 up).',
    takesEffect: 'running',
  },
  maximumRtpPort: {
    name: 'MaximumRtpPort',
    rule: wholeNumber(1_025, 65_535),
    unit: 'UDP port',
    default: '29999',
    reason:
      'Last port for audio; above MinimumRtpPort, with an even port and the odd one above it between them. ' +
      'Open the range in the firewall.',
    takesEffect: 'running',
  },
  listenAddress: {
    name: 'ListenAddress',
    rule: listenAddress,
    default: 'all addresses, IPv4 and IPv6',
    reason: 'The one address that all SIP and RTP is bound to, on a machine with several.',
    takesEffect: 'restart',
  },
  advertisedAddress: {
    name: 'AdvertisedAddress',
    rule: reachableHost,
    default: 'the address on which the gateway reached us',
    reason: 'What redirects, Contact and SDP name instead: needed behind address translation.',
    takesEffect: 'running',
  },
  serverName: {
    name: 'ServerName',
    rule: hostName,
    default: 'the name of this machine',
    reason:
      'Name of this server in redirects over TLS, in ms-diagnostics, Message-IDs and the default MailFrom. ' +
      'Use the fully qualified name that gateways can resolve.',
    takesEffect: 'restart',
  },
  umStartupMode: {
    name: 'UMStartupMode',
    rule: choice('TCP', 'TLS', 'Dual'),
    default: 'Dual',
    reason:
      'Which listeners are open: in clear, with mutual TLS, or both. TLS is not implemented yet: TLS alone is refused, ' +
      'and Dual opens the listeners in clear.',
    takesEffect: 'restart',
  },
  sipTcpListeningPort: {
    name: 'SipTcpListeningPort',
    rule: port,
    unit: 'TCP port',
    default: '5060',
    reason: 'Port of the call router in clear: what the gateway dials. 5062 to 5068 belong to UM service and workers.',
    takesEffect: 'restart',
  },
  sipTlsListeningPort: {
    name: 'SipTlsListeningPort',
    rule: port,
    unit: 'TCP port',
    default: '5061',
    reason: 'Port of the call router with mutual TLS.',
    takesEffect: 'restart',
  },
} as const satisfies Partial<ConfigKeys>;

const storage = {
  dataDirectory: {
    name: 'DataDirectory',
    rule: path,
    default: './data below the working directory',
    reason:
      'Where directory, messages, recordings and undelivered mail are kept. A relative path begins at the directory of ' +
      'this file.',
    takesEffect: 'restart',
  },
  databaseUrl: {
    name: 'DatabaseUrl',
    rule: plainText('leave it out: PostgreSQL is not implemented yet', 0),
    default: 'SQLite in the data directory',
    reason: 'For installations of more than one machine, later.',
    takesEffect: 'restart',
  },
  certificateDirectory: {
    name: 'CertificateDirectory',
    rule: path,
    default: 'certificates below DataDirectory',
    reason: 'The certificate and key that this server shows on TLS. Not used before TLS is implemented.',
    takesEffect: 'restart',
  },
  trustDirectory: {
    name: 'TrustDirectory',
    rule: path,
    default: 'trust below DataDirectory',
    reason: 'Certificates of the authorities whose gateways are trusted on TLS. Not used before TLS is implemented.',
    takesEffect: 'restart',
  },
  minimumTlsVersion: {
    name: 'MinimumTlsVersion',
    rule: choice('1.2', '1.3'),
    default: '1.2',
    reason: 'Older versions are never spoken. Not used before TLS is implemented.',
    takesEffect: 'restart',
  },
} as const satisfies Partial<ConfigKeys>;

const processes = {
  workerRecycleIntervalS: {
    name: 'WorkerRecycleInterval',
    rule: wholeNumber(1, 31_536_000),
    unit: 'seconds',
    default: '604800',
    reason:
      'Age at which a worker is replaced by a fresh one on the other port pair; calls on the old one end by themselves.',
    takesEffect: 'running',
  },
  workerStartTimeoutS: {
    name: 'WorkerStartTimeout',
    rule: wholeNumber(1, 600),
    unit: 'seconds',
    default: '30',
    reason: 'A worker that is not ready by then is ended and started again. Raise it for a very slow machine.',
    takesEffect: 'running',
  },
  workerHangTimeoutS: {
    name: 'WorkerHangTimeout',
    rule: wholeNumber(3, 600),
    unit: 'seconds',
    default: '30',
    reason: 'A worker whose heartbeat, one a second, stays away for so long is taken for hung and replaced.',
    takesEffect: 'running',
  },
  drainTimeoutS: {
    name: 'DrainTimeout',
    rule: wholeNumber(0, 86_400),
    unit: 'seconds',
    default: '1860',
    reason:
      'How long a stop waits for calls to end by themselves: by default the longest call, 30 minutes, and a minute to ' +
      'say goodbye. What was recorded is kept either way. TimeoutStopSec of the systemd unit must be above it.',
    takesEffect: 'running',
  },
  logLevel: {
    name: 'LogLevel',
    rule: choice('debug', 'info', 'warn', 'error'),
    default: 'info',
    reason: 'The least grave lines that are logged.',
    takesEffect: 'running',
  },
  routerProcesses: {
    name: 'RouterProcesses',
    rule: wholeNumber(1, 1),
    unit: 'processes',
    default: '1',
    reason: 'Call routers that share the listening port. More than one comes later.',
    takesEffect: 'restart',
  },
  mediaIo: {
    name: 'MediaIo',
    rule: choice('auto', 'dgram'),
    default: 'auto',
    reason:
      'How audio is sent and received: auto takes the fastest way that this machine allows, dgram the plain one of Node.js.',
    takesEffect: 'restart',
  },
} as const satisfies Partial<ConfigKeys>;

const mail = {
  smtpHost: {
    name: 'SmtpHost',
    rule: reachableHost,
    default: 'none: mail goes to a Maildir below DataDirectory',
    reason: 'The relay that takes voice messages as e-mail.',
    takesEffect: 'running',
  },
  smtpPort: {
    name: 'SmtpPort',
    rule: port,
    unit: 'TCP port',
    default: '25',
    reason: 'Port of the relay: 25, 587 for submission, 465 with SmtpTls tls, 24 is usual for LMTP.',
    takesEffect: 'running',
  },
  smtpTls: {
    name: 'SmtpTls',
    rule: choice('none', 'starttls', 'tls'),
    default: 'none',
    reason:
      'Whether the way to the relay is encrypted: not at all, by STARTTLS (no mail without it), or from the first byte. ' +
      'None fits a relay on this machine or in a network that you trust.',
    takesEffect: 'running',
  },
  smtpProtocol: {
    name: 'SmtpProtocol',
    rule: choice('smtp', 'lmtp'),
    default: 'smtp',
    reason: 'lmtp delivers straight into a mail store such as Dovecot, with an answer for each recipient.',
    takesEffect: 'running',
  },
  smtpUser: {
    name: 'SmtpUser',
    rule: plainText('a user name', 256),
    default: 'none: no sign-in',
    reason: 'Name for signing in at the relay; needs SmtpPasswordFile.',
    takesEffect: 'running',
  },
  smtpPasswordFile: {
    name: 'SmtpPasswordFile',
    rule: path,
    default: 'none',
    reason:
      'File whose first line is the password for SmtpUser. Only its owner and group may read it (chmod 600): passwords do ' +
      'not stand in this file.',
    takesEffect: 'running',
  },
  mailFrom: {
    name: 'MailFrom',
    rule: sender,
    default: 'voicemail@ServerName',
    reason:
      'Sender of the e-mail, where bounces and replies go. Only the address is used: the name shown is the caller.',
    takesEffect: 'running',
  },
  mailRetryForHours: {
    name: 'MailRetryFor',
    rule: wholeNumber(1, 8_760),
    unit: 'hours',
    default: '120',
    reason: 'How long a relay that is down, or says "not now", is tried again before the mail becomes a dead letter.',
    takesEffect: 'running',
  },
} as const satisfies Partial<ConfigKeys>;

/** Every key there is, in the order of the example file. */
export const CONFIG_KEYS: ConfigKeys = { ...network, ...storage, ...processes, ...mail };

/** Environment variable of a key: MinimumRtpPort is OPENUM_MINIMUM_RTP_PORT. */
export function environmentName(key: { readonly name: string }): string {
  const words = key.name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').replace(/^UMS/, 'UM_S');
  return `OPENUM_${words.toUpperCase()}`;
}
