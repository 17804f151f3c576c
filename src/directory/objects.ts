/** How a dial plan names its users: digits of one length, E.164 numbers, or SIP names. */
export type UriType = 'TelExtn' | 'E164' | 'SipName';

/** What a dial plan asks of signalling and media. */
export type VoipSecurity = 'Unsecured' | 'SIPSecured' | 'Secured';

/** Which of several diversions names the mailbox. */
export type DiversionPreference = 'OriginalCalled' | 'LastRedirecting';

/** How voice messages are attached to e-mail: MP3, or the G.711 WAV as it was recorded. */
export type AudioCodec = 'Mp3' | 'G711';

/** A UM dial plan. Durations are in the units that Exchange's cmdlets use. */
export interface UMDialPlan {
  readonly kind: 'dial-plan';
  readonly id: string;
  readonly name: string;
  readonly numberOfDigitsInExtension: number;
  readonly uriType: UriType;
  readonly voipSecurity: VoipSecurity;
  readonly audioCodec: AudioCodec;
  readonly maxCallDurationMinutes: number;
  readonly maxRecordingDurationMinutes: number;
  readonly recordingIdleTimeoutSeconds: number;
  readonly accessTelephoneNumbers: readonly string[];
  readonly diversionPreference: DiversionPreference;
  readonly defaultLanguage: string;
}

export interface UMMailboxPolicy {
  readonly kind: 'mailbox-policy';
  readonly id: string;
  readonly name: string;
  /** Id of the dial plan. */
  readonly dialPlan: string;
  readonly allowMissedCallNotifications: boolean;
  readonly minPinLength: number;
  /** Added to the body of each voice message's e-mail; at most 512 characters. */
  readonly voiceMailText: string;
}

export interface UMIPGateway {
  readonly kind: 'ip-gateway';
  readonly id: string;
  readonly name: string;
  /** IP addresses, CIDR blocks or host names. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly status: 'Enabled' | 'Disabled' | 'NoNewCalls';
  /** True: only packets from the address in the SDP are heard, no other source is ever latched. */
  readonly strictMedia: boolean;
}

export interface UMHuntGroup {
  readonly kind: 'hunt-group';
  readonly id: string;
  readonly name: string;
  /** The number that the gateway dials; empty: every number that nothing else matches. */
  readonly pilotIdentifier: string;
  /** Id of the dial plan. */
  readonly dialPlan: string;
  /** Id of the gateway. */
  readonly gateway: string;
}

/** A PIN as it is kept: scrypt over salt and digits, hexadecimal. */
export interface HashedPin {
  readonly salt: string;
  readonly hash: string;
  readonly cost: number;
}

export interface UMMailbox {
  readonly kind: 'mailbox';
  readonly id: string;
  /** Identity and primary SMTP address. */
  readonly address: string;
  readonly displayName: string;
  readonly extensions: readonly string[];
  /** Id of the mailbox policy, which names the dial plan. */
  readonly mailboxPolicy: string;
  /** Where voice messages are mailed: a job each. The identity alone when empty. */
  readonly emailAddresses: readonly string[];
  /** A WAV file of the owner's: absolute, or relative to `greetings/` in the data directory. */
  readonly greetingFile?: string;
  readonly pin?: HashedPin;
}

/** Settings of the whole server that belong to the directory rather than to one machine's file. */
export interface UMSettings {
  readonly kind: 'settings';
  readonly id: 'settings';
  /** Calls at once, over both generations of workers. */
  readonly maxCallsAllowed: number;
}

export type DirectoryObject = UMDialPlan | UMMailboxPolicy | UMIPGateway | UMHuntGroup | UMMailbox | UMSettings;

/** One step from a directory version to the next. */
export interface DirectoryDelta {
  readonly version: number;
  readonly put: readonly DirectoryObject[];
  /** Ids of objects that are gone. */
  readonly removed: readonly string[];
}
