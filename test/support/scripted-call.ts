import type { Timers } from '../../src/base/clock.js';
import type { MessageFacts, RecordingEnd } from '../../src/mailbox/message.js';
import { type Call, CallEnded, type Recording, type RecordOptions } from '../../src/menus/call.js';
import type { Clip } from '../../src/prompts/clip.js';

/** A caller's part: how long clips last, and how the recording goes. */
export interface Script {
  readonly clipMs?: number;
  /** When the caller hangs up, counted from the answer. */
  readonly hangUpAtMs?: number;
  /** How the recording ends by itself; without it the caller speaks until `hangUpAtMs`. */
  readonly recording?: { readonly endedBy: RecordingEnd; readonly afterMs: number; readonly durationMs: number };
  readonly loudestDbm0?: number;
  readonly recordFails?: Error;
  readonly keepFails?: Error;
  readonly missedCallFails?: Error;
}

/** A `Call` on a virtual clock: plays a script and writes down what the menu did, each line with its moment. */
export class ScriptedCall implements Call {
  readonly facts: MessageFacts = {
    id: '0'.repeat(32),
    mailbox: 'mailbox-1000',
    mailboxAddress: '1000@example.test',
    callerNumber: '5551234',
    callerName: 'Ann',
    calledExtension: '1000',
    callId: 'call@example.test',
    startedAtMs: 1_700_000_000_000,
  };
  readonly log: string[] = [];
  recordOptions: RecordOptions | undefined;
  readonly #script: Script;
  readonly #time: Timers & { nowMs(): number };
  readonly #abort = new AbortController();

  constructor(script: Script, time: Timers & { nowMs(): number }) {
    this.#script = script;
    this.#time = time;
    if (script.hangUpAtMs !== undefined) {
      time.start(script.hangUpAtMs, () => {
        this.#note('caller hangs up');
        this.#abort.abort();
      });
    }
  }

  get ended(): AbortSignal {
    return this.#abort.signal;
  }

  async play(clips: readonly Clip[]): Promise<void> {
    this.#throwIfEnded();
    this.#note(`play ${clips.map(describe).join(' ')}`);
    await this.#wait(this.#script.clipMs ?? 3_000);
    this.#throwIfEnded();
  }

  async record(options: RecordOptions): Promise<Recording> {
    this.#throwIfEnded();
    this.recordOptions = options;
    if (this.#script.recordFails) throw this.#script.recordFails;
    await this.play([{ kind: 'beep' }]);
    this.#note('record');
    const begunAtMs = this.#time.nowMs();
    const own = this.#script.recording;
    await this.#wait(own?.afterMs ?? Number.MAX_SAFE_INTEGER);
    const spokenMs = this.#time.nowMs() - begunAtMs;
    const loudestDbm0 = this.#script.loudestDbm0 ?? -10;
    if (own && !this.ended.aborted) return { endedBy: own.endedBy, durationMs: own.durationMs, loudestDbm0 };
    return { endedBy: 'hang-up', durationMs: spokenMs, loudestDbm0 };
  }

  keepRecording(recording: Recording): Promise<void> {
    if (this.#script.keepFails) return Promise.reject(this.#script.keepFails);
    this.#note(`keep ${String(recording.durationMs)} ms ended by ${recording.endedBy}`);
    return Promise.resolve();
  }

  leaveMissedCall(recording?: Recording): Promise<void> {
    if (this.#script.missedCallFails) return Promise.reject(this.#script.missedCallFails);
    this.#note(recording ? 'missed call instead of the recording' : 'missed call');
    return Promise.resolve();
  }

  hangUp(): Promise<void> {
    this.#note('hang up');
    this.#abort.abort();
    return Promise.resolve();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#time.start(ms, resolve);
      this.ended.addEventListener('abort', () => {
        timer.stop();
        resolve();
      });
    });
  }

  #throwIfEnded(): void {
    if (this.ended.aborted) throw new CallEnded();
  }

  #note(what: string): void {
    this.log.push(`${String(this.#time.nowMs())} ${what}`);
  }
}

function describe(clip: Clip): string {
  if (clip.kind === 'beep' || clip.kind === 'audio') return clip.kind;
  return clip.kind === 'file' ? clip.path : clip.name;
}
