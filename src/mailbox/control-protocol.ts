import type { DirectoryDelta, DirectoryObject } from '../directory/objects.js';
import type { G711Law, JobState, StoredMessage } from './message.js';
import type { MessageFilter, MessageMarks } from './message-store.js';

/**
 * What is spoken over `openum.sock`: one JSON document a line.
 *
 * ```text
 *   client                                          mailbox service
 *   {"v":1,"id":1,"method":"status","params":{}} -->
 *                                                <-- {"id":1,"result":...}  or  {"id":1,"error":{"code","detail"}}
 *   {"v":1,"id":2,"method":"hello","params":{"subscribe":true}} -->
 *                                                <-- {"id":2,"result":{"version":...}}
 *                                                <-- {"event":"directory-snapshot","directory":{...}}
 *                                                <-- {"event":"directory-delta","delta":{...}}     ... for ever
 * ```
 */
export const CONTROL_VERSION = 1;

/** State of a worker as its UM service sees it. */
export type WorkerState = 'starting' | 'active' | 'draining' | 'hung';

/** A call in progress, for `status`. */
export interface CallReport {
  readonly callId: string;
  readonly from: string;
  readonly callerName: string;
  /** The mailbox's address. */
  readonly mailbox: string;
  readonly extension: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly state: 'ringing' | 'answering' | 'recording' | 'ending';
  /** The gateway's name. */
  readonly gateway: string;
}

/** A worker as the UM service reports it. A port that is not open is null. */
export interface WorkerReport {
  readonly pid: number;
  readonly generation: 'A' | 'B';
  readonly port: number | null;
  readonly securePort: number | null;
  readonly state: WorkerState;
}

/** The RTP range, and pairs in use. */
export interface RtpReport {
  readonly min: number;
  readonly max: number;
  readonly inUse: number;
}

/** What each process tells the mailbox service about itself, at every connection and change. */
export type ProcessReport =
  | { readonly role: 'supervisor'; readonly pid: number }
  | { readonly role: 'router'; readonly pid: number; readonly tcp: number | null; readonly tls: number | null }
  | {
      readonly role: 'service';
      readonly pid: number;
      readonly tcp: number | null;
      readonly tls: number | null;
      readonly workers: readonly WorkerReport[];
    }
  | (WorkerReport & { readonly role: 'worker'; readonly rtp: RtpReport; readonly calls: readonly CallReport[] });

/** The whole server, for `openum status`. A pid is null while that process is not connected. */
export interface StatusReport {
  readonly version: string;
  readonly directoryVersion: number;
  readonly supervisor: { readonly pid: number | null };
  readonly mailbox: { readonly pid: number | null };
  readonly router: { readonly pid: number | null; readonly tcp: number | null; readonly tls: number | null };
  readonly service: { readonly pid: number | null; readonly tcp: number | null; readonly tls: number | null };
  /** Active ones first. */
  readonly workers: readonly (WorkerReport & { readonly calls: number })[];
  readonly rtp: RtpReport;
  readonly calls: readonly CallReport[];
  readonly outbox: { readonly waiting: number; readonly dead: number };
}

/** How one delivery of a message stands. */
export interface DeliveryReport {
  readonly kind: 'email';
  readonly state: JobState;
  readonly attempts: number;
  /** ISO 8601; null unless it waits. */
  readonly nextAttemptAt: string | null;
  readonly lastError: string | null;
}

/** A message as commands print it. */
export interface MessageReport {
  readonly id: string;
  readonly kind: StoredMessage['kind'];
  /** The mailbox's address. */
  readonly mailbox: string;
  readonly from: string;
  readonly callerName: string;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly durationMs: number;
  readonly read: boolean;
  readonly urgent: boolean;
  readonly private: boolean;
  readonly partial: boolean;
  readonly codec: G711Law | null;
  /** Absolute. */
  readonly audioFile: string | null;
  readonly callId: string;
  readonly delivery: readonly DeliveryReport[];
}

/** A delivery that waits or was given up. */
export interface OutboxReport extends DeliveryReport {
  readonly id: string;
  /** Id of the message. */
  readonly message: string;
  readonly recipient: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

type NoParams = Readonly<Record<string, never>>;

/** Parameters and result of every method. Ids may be given by their first 6 or more digits. */
export interface ControlMethods {
  status: { params: NoParams; result: StatusReport };
  /** Where the call router listens: `address` null for every address, `port` null while none is open. */
  'router-end': { params: NoParams; result: { readonly address: string | null; readonly port: number | null } };
  /** `mailbox` is an id, address or extension. */
  messages: { params: MessageFilter; result: readonly MessageReport[] };
  'mark-message': { params: { readonly id: string; readonly marks: MessageMarks }; result: MessageReport };
  'delete-message': { params: { readonly id: string }; result: MessageReport };
  outbox: { params: NoParams; result: readonly OutboxReport[] };
  'retry-job': { params: { readonly id: string }; result: OutboxReport };
  'discard-job': { params: { readonly id: string }; result: OutboxReport };
  'export-directory': { params: NoParams; result: unknown };
  'import-directory': { params: { readonly document: unknown }; result: { readonly version: number } };
  report: { params: ProcessReport; result: null };
  'spool-changed': { params: NoParams; result: null };
}

export type ControlMethod = keyof ControlMethods;

/** The whole directory at one version. */
export interface DirectorySnapshot {
  readonly version: number;
  readonly objects: readonly DirectoryObject[];
}

/** What the server says unasked, to clients that subscribed. */
export type ControlEvent =
  | { readonly event: 'directory-snapshot'; readonly directory: DirectorySnapshot }
  | { readonly event: 'directory-delta'; readonly delta: DirectoryDelta };
