/**
 * Every limit on what comes from outside: its value, and the attack or accident that it stops.
 * Sizes are bytes, times milliseconds, unless the name says otherwise.
 */
export const LIMITS = Object.freeze({
  // SIP over TCP
  /** A header block without end would grow in memory for ever (RFC 3261 sets no bound; real ones are under 8 kB). */
  sipHeaderBytes: 65_536,
  /** A Content-Length of gigabytes would make us wait for, and hold, gigabytes. */
  sipBodyBytes: 65_536,
  /** Thousands of one-letter headers cost more to index than to send. */
  sipHeaderCount: 512,
  /** Opening connections is cheaper than serving them. */
  sipConnections: 4_096,
  /** A peer that sends half a message and stalls would hold its buffer for ever. */
  sipUnfinishedMessageMs: 30_000,
  /** A connection without dialog and without traffic is closed, so that dead peers leave nothing behind. */
  sipIdleConnectionMs: 3_600_000,
  /** A peer that never reads its responses would make us buffer them. */
  sipUnsentBytes: 1_048_576,
  /** A peer that leaves the connection open after our last words would keep it for ever. */
  sipLingerMs: 5_000,
  /**
   * Requests that are not finished: an INVITE that is refused and never acknowledged is kept for 32 s (RFC 3261 §17.2.1), 3.5 kB
   * each, so a stranger on one connection would fill the memory of the process that holds the calls. This is 70 MB, and 600
   * calls a second.
   */
  sipServerTransactions: 20_000,
  /** A redirect loop between servers would never end (RFC 3261 §8.1.3.4). */
  sipRedirects: 5,
  /** Connecting to a peer that swallows packets would hold a call for minutes. */
  sipConnectMs: 5_000,
  // Facts taken from a call into rows, files and mail
  /** A display name of kilobytes would fill headers and screens. */
  callerNameCharacters: 256,
  /** A number, user part or Call-ID of kilobytes likewise. */
  callerNumberCharacters: 128,
  callIdCharacters: 512,
  // Media
  /** Datagrams above are not audio of ptime 10 to 60; reading more would only cost. */
  rtpPacketBytes: 2_048,
  /** Reordering above this is loss: 64 packets are over a second. */
  rtpReorderPackets: 64,
  /** A jump of the time stamp above this is a new time line, not silence to be filled: one packet must not write megabytes. */
  rtpGapFillMs: 60_000,
  /** A greeting is loaded whole into memory: five minutes of PCM. */
  greetingBytes: 5_000_000,
  // Store and spool
  /** Below this much free disk no message is started: what was taken needs room for its row, its mail and the database's log. */
  diskReserveBytes: 8 * 1024 * 1024,
  /** A control request above this is no command of ours; a directory import of 100,000 mailboxes is under it. */
  controlRequestBytes: 64 * 1024 * 1024,
  /** A client that does not read would make the mailbox service buffer for it. */
  controlUnsentBytes: 256 * 1024 * 1024,
  /** At its end the mailbox service would wait for such a client, or for a request without end, and keep the store from its successor. */
  controlCloseMs: 10_000,
  /** A store that hangs would hang every command with it. An import is not cut: it may write for longer, and ends. */
  controlAnswerMs: 30_000,
  /** A configuration file above this is not one. */
  configBytes: 131_072,
  /** A blocked terminal or pipe must not stop calls, nor fill the memory: lines that wait for its reader, beyond it dropped. */
  logWaitingBytes: 4 * 1024 * 1024,
  // Directory
  /**
   * A file that is no directory (a device, a pipe without end) would fill the memory of the command that imports it. Twice
   * `controlRequestBytes`: a person's file is indented, and the request made of it is not.
   */
  directoryDocumentBytes: 128 * 1024 * 1024,
  /** An import without end would fill the memory of every process that keeps the directory. */
  directoryObjects: 200_000,
  /** Extensions of one mailbox, addresses of one gateway: a list without end costs every start and every look-up. */
  directoryListEntries: 64,
  /** Each name of a gateway is looked up by every process every minute: thousands would keep them, and the DNS server, busy. */
  gatewayNames: 1_000,
  /** A name's answer of thousands of addresses would trust thousands of machines; no gateway has as many. */
  gatewayNameAddresses: 64,
  /** A DNS server that is silent would leave a name without answer, and the names behind it unasked, for half a minute. */
  gatewayLookupMs: 5_000,
  /** A document of another kind has a fault in every line: naming a million helps nobody. */
  directoryFaults: 1_000,
  // Refusals
  /** What a peer sent is repeated in ms-diagnostics and in the log: kilobytes would come back as kilobytes. */
  diagnosticsCharacters: 512,
  // Waiting
  /** How long a call waits at the UM service for a worker before it is told to try elsewhere. */
  workerWaitMs: 2_000,
  /** INVITEs that wait so; a flood while no worker is ready would fill the memory. */
  waitingInvites: 1_000,
  /** What a peer is told in Retry-After. */
  retryAfterSeconds: 5,
} as const);
