/** Which listeners are open: DESIGN of Exchange's startup modes; Dual is our default. */
export type UMStartupMode = 'TCP' | 'TLS' | 'Dual';

/** What belongs to this server, checked and frozen: msexchangeum.config under environment and flags. */
export interface UmConfig {
  readonly minimumRtpPort: number;
  readonly maximumRtpPort: number;
  /** Absent: all addresses, IPv4 and IPv6. */
  readonly listenAddress: string | undefined;
  readonly advertisedAddress: string | undefined;
  readonly serverName: string;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly databaseUrl: string | undefined;
  readonly umStartupMode: UMStartupMode;
  readonly sipTcpListeningPort: number;
  readonly sipTlsListeningPort: number;
  readonly certificateDirectory: string;
  readonly trustDirectory: string;
  readonly minimumTlsVersion: '1.2' | '1.3';
  readonly workerRecycleIntervalS: number;
  readonly workerStartTimeoutS: number;
  readonly workerHangTimeoutS: number;
  readonly drainTimeoutS: number;
  /** Absent: no relay, mail goes to a Maildir below the data directory. */
  readonly smtpHost: string | undefined;
  readonly smtpPort: number;
  readonly smtpTls: 'none' | 'starttls' | 'tls';
  readonly smtpProtocol: 'smtp' | 'lmtp';
  readonly smtpUser: string | undefined;
  readonly smtpPasswordFile: string | undefined;
  /** An address without a name: the name shown is the caller's. */
  readonly mailFrom: string;
  readonly mailRetryForHours: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly routerProcesses: number;
  readonly mediaIo: 'auto' | 'dgram';
}
