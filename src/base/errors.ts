/** What one stable error code means, to a SIP peer, to an admin and to a shell. */
export interface ErrorSpec {
  /** One clause, no full stop: what is wrong. */
  readonly summary: string;
  /** What the admin should do about it. */
  readonly advice: string;
  /** The final SIP response that says it; absent where no peer is told. */
  readonly sip?: { readonly status: number; readonly diagnostics: number };
  /** Exit status of a command that ends with it; 1 when absent. */
  readonly exit?: 1 | 2 | 3 | 4;
}

const table = {
  // Signalling: refusals of a request, told to the peer with ms-diagnostics (15000 to 15999).
  'malformed-message': {
    summary: 'the SIP message breaks the grammar of RFC 3261',
    advice: 'look at the reason beside this code; a firmware update or the SIP profile of the gateway usually mends it',
    sip: { status: 400, diagnostics: 15001 },
  },
  'peer-not-a-gateway': {
    summary: 'the caller is not a configured, enabled UM IP gateway',
    advice: 'add a UM IP gateway with this address, enable the one there is, or mend its host name in DNS',
    sip: { status: 403, diagnostics: 15002 },
  },
  'pilot-unknown': {
    summary: 'the dialled number is no pilot of a hunt group of this gateway',
    advice: 'add a hunt group with this pilot for the gateway, or one without a pilot that takes every number',
    sip: { status: 404, diagnostics: 15003 },
  },
  'mailbox-unknown': {
    summary: 'no mailbox has the extension the call was diverted from',
    advice: 'enable a mailbox with this extension in the dial plan, or correct what the PBX sends in Diversion',
    sip: { status: 404, diagnostics: 15004 },
  },
  'sign-in-not-implemented': {
    summary: 'the call asks for sign-in by phone, which comes later',
    advice: 'let the PBX send Diversion with the called extension; sign-in by phone is not implemented yet',
    sip: { status: 480, diagnostics: 15005 },
  },
  'security-mismatch': {
    summary: 'the dial plan asks for another security than the call has',
    advice: 'set VoIPSecurity of the dial plan to Unsecured, or let the gateway call by TLS with SRTP',
    sip: { status: 488, diagnostics: 15007 },
  },
  'no-common-codec': {
    summary: 'the offer has no audio format that OpenUM takes',
    advice: 'allow G.711 (PCMU or PCMA, RTP/AVP) for this trunk on the gateway',
    sip: { status: 488, diagnostics: 15008 },
  },
  'offer-unusable': {
    summary: 'the session description cannot be used',
    advice: 'look at the reason beside this code',
    sip: { status: 488, diagnostics: 15009 },
  },
  'too-many-calls': {
    summary: 'MaxCallsAllowed calls are up already',
    advice: 'raise MaxCallsAllowed of the UM service, or let the gateway hunt to another server',
    sip: { status: 503, diagnostics: 15010 },
  },
  'rtp-ports-exhausted': {
    summary: 'no free pair of UDP ports is left in the RTP range',
    advice: 'widen MinimumRtpPort to MaximumRtpPort: two ports a call, for two generations of workers',
    sip: { status: 503, diagnostics: 15011 },
  },
  'no-worker-ready': {
    summary: 'no UM worker process became ready in time',
    advice:
      'look in the log for why the worker does not start; with both worker port pairs taken, wait for old calls to end',
    sip: { status: 503, diagnostics: 15012 },
  },
  'service-down': {
    summary: 'the UM service is not running',
    advice: 'it is restarted at once; look in the log for why it ended',
    sip: { status: 503, diagnostics: 15013 },
  },
  draining: {
    summary: 'the server is being stopped and takes no new calls',
    advice: 'nothing, if somebody stopped it; else start it again',
    sip: { status: 503, diagnostics: 15014 },
  },
  'disk-nearly-full': {
    summary: 'the disk is too full to take a message',
    advice: 'free room in the data directory; messages already taken stay',
    sip: { status: 503, diagnostics: 15015 },
  },
  'directory-unavailable': {
    summary: 'the directory has not been read yet',
    advice: 'the mailbox service is starting or down; look in the log for why',
    sip: { status: 503, diagnostics: 15016 },
  },
  'spool-unwritable': {
    summary: 'the recording cannot be written to the spool',
    advice: 'look at the reason beside this code: permissions, room and open-file limit of the data directory',
    sip: { status: 503, diagnostics: 15017 },
  },
  'method-not-allowed': {
    summary: 'this listener does not take the method',
    advice: 'nothing: the Allow header names the methods that are taken',
    sip: { status: 405, diagnostics: 15018 },
  },
  'dialog-unknown': {
    summary: 'no call of ours has this Call-ID and these tags',
    advice: 'nothing, after a restart; else let the gateway route in-dialog requests to the Contact of the 200',
    sip: { status: 481, diagnostics: 15019 },
  },
  'extension-unsupported': {
    summary: 'the request requires a SIP extension that OpenUM does not have',
    advice: 'switch the extension named in Unsupported off on the gateway',
    sip: { status: 420, diagnostics: 15020 },
  },
  'version-unsupported': {
    summary: 'the message is not SIP/2.0',
    advice: 'let the peer speak SIP/2.0',
    sip: { status: 505, diagnostics: 15022 },
  },
  'body-type-unsupported': {
    summary: 'the body of the request is not a session description',
    advice: 'let the gateway send application/sdp only',
    sip: { status: 415, diagnostics: 15023 },
  },
  'uri-scheme-unsupported': {
    summary: 'the Request-URI is neither sip:, sips: nor tel:',
    advice: 'let the gateway dial a sip: URI',
    sip: { status: 416, diagnostics: 15024 },
  },
  'loop-detected': {
    summary: 'the same call arrived twice by different ways',
    advice: 'look for forking or a loop between the PBX and its proxies',
    sip: { status: 482, diagnostics: 15025 },
  },
  'request-out-of-order': {
    summary: 'the CSeq of the request is not above the last one of its dialog',
    advice: 'nothing, if it is rare; else look for a proxy that reorders requests',
    sip: { status: 500, diagnostics: 15026 },
  },
  'request-pending': {
    summary: 'another offer of this call is not answered yet',
    advice: 'nothing: the peer tries again',
    sip: { status: 491, diagnostics: 15027 },
  },
  'internal-fault': {
    summary: 'a fault of OpenUM itself',
    advice: 'report it with the log lines around this one',
    sip: { status: 500, diagnostics: 15028 },
  },
  'message-too-large': {
    summary: 'a SIP message is larger than OpenUM takes',
    advice: 'let the gateway send fewer or shorter headers; the limit is named beside this code',
    sip: { status: 513, diagnostics: 15029 },
  },
  overloaded: {
    summary: 'more requests are unfinished than OpenUM keeps',
    advice: 'see the log for whose they are: keep strangers out with a firewall, spread the gateways over more servers',
    sip: { status: 503, diagnostics: 15030 },
  },
  // Starting, stopping and asking the daemon.
  'config-faulty': {
    summary: 'the configuration has faults',
    advice: 'correct the lines named; msexchangeum.config.example has every key with its range',
    exit: 2,
  },
  'port-taken': {
    summary: 'a port that OpenUM needs is in use',
    advice: 'stop the program that has it, or bind OpenUM to another address with --listen ADDRESS',
    exit: 2,
  },
  'data-unwritable': {
    summary: 'the data directory cannot be written',
    advice: 'name another with --data, or give this one to the user that runs OpenUM',
    exit: 2,
  },
  'data-in-use': {
    summary: 'another OpenUM uses this data directory',
    advice: 'stop it with ./bin/openum stop, or name another directory with --data',
    exit: 2,
  },
  'database-newer': {
    summary: 'the database was written by a newer OpenUM',
    advice: 'start that newer program, or restore a copy from before the upgrade',
    exit: 2,
  },
  'database-damaged': {
    summary: 'the database is damaged',
    advice: 'move it away and restore a backup; audio files and the spool are kept beside it',
    exit: 2,
  },
  'daemon-absent': {
    summary: 'no OpenUM is running on this data directory',
    advice: 'start it with ./bin/openum start, or name its directory with --data',
    exit: 3,
  },
  'daemon-protocol': {
    summary: 'the daemon speaks another version of the control protocol',
    advice: 'use the openum command that belongs to the running daemon',
    exit: 1,
  },
  'not-found': { summary: 'there is no such thing', advice: 'look at the name given', exit: 4 },
  'usage-wrong': { summary: 'the command line is not understood', advice: 'see --help', exit: 2 },
  'request-invalid': { summary: 'the request to the daemon is not valid', advice: 'see the reason', exit: 1 },
  'file-unusable': {
    summary: 'a file cannot be read or written',
    advice: 'name a file that you can read, or a place where you can write',
    exit: 1,
  },
  'directory-invalid': {
    summary: 'the directory document has faults',
    advice: 'correct the places named; nothing was changed',
    exit: 1,
  },
  'store-unavailable': {
    summary: 'the store cannot be reached',
    advice: 'look in the log for why; calls go on and recordings wait in the spool',
    exit: 1,
  },
  'audio-unusable': {
    summary: 'the audio file cannot be used',
    advice: 'give a WAV file: PCM 16 bit, mu-law or A-law, 8 kHz, mono',
    exit: 1,
  },
  'call-failed': { summary: 'the test call failed', advice: 'look at the hop that is named', exit: 1 },
  // Delivery.
  'mail-refused': {
    summary: 'the mail server refused the message for good',
    advice: 'see its words; then retry the job',
  },
  'mail-unreachable': { summary: 'the mail server took the message not yet', advice: 'nothing: it is tried again' },
  'mail-gave-up': {
    summary: 'the mail server took the message not once within MailRetryFor',
    advice: 'mend the relay, then ./bin/openum outbox retry ID',
  },
} as const satisfies Record<string, ErrorSpec>;

/** The stable code of an error; printed beside every refusal and in README. */
export type ErrorCode = keyof typeof table;

/** The one table of errors. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorSpec>> = table;

/** The code that a refusal of ours tells by this number in ms-diagnostics; undefined when none of ours has it. */
export function codeOfDiagnostics(diagnostics: number): ErrorCode | undefined {
  const codes = Object.keys(table) as ErrorCode[];
  return codes.find((code) => ERRORS[code].sip?.diagnostics === diagnostics);
}

/** An error with a stable code; `detail` says what was found in this very case, one clause, no full stop. */
export class UmError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string, options?: { readonly cause: unknown }) {
    super(`${ERRORS[code].summary}: ${detail}`, options);
    this.name = 'UmError';
    this.code = code;
    this.detail = detail;
  }
}
