import type { G711Law, MessageFacts } from '../../src/mailbox/message.js';
import type { FinishedAudio, Spool, SpoolEntry } from '../../src/mailbox/spool.js';

/** A spool in memory: writes down what was left, and fails when told to. */
export class ScriptedSpool implements Spool {
  readonly log: string[] = [];
  /** Waited for before there is room; may reject. */
  room: Promise<void> = Promise.resolve();
  /** Waited for before a message is taken. */
  held: Promise<void> = Promise.resolve();
  beginFails: Error | undefined;
  finishFails: Error | undefined;
  missedCallFails: Error | undefined;

  checkRoom(): Promise<void> {
    return this.room;
  }

  begin(facts: MessageFacts, law: G711Law): Promise<SpoolEntry> {
    if (this.beginFails) return Promise.reject(this.beginFails);
    this.log.push(`begin ${facts.mailboxAddress} ${law}`);
    return Promise.resolve({
      path: '/data/spool/worker/message',
      audioOffset: 512,
      finish: (audio) => this.#finish(audio),
      dropForMissedCall: () => this.#note('missed call in place of the recording'),
    });
  }

  missedCall(facts: MessageFacts): Promise<void> {
    if (this.missedCallFails) return Promise.reject(this.missedCallFails);
    return this.#note(`missed call for ${facts.mailboxAddress}`);
  }

  async #finish({ audioBytes, endedBy, law }: FinishedAudio): Promise<void> {
    await this.held;
    if (this.finishFails) throw this.finishFails;
    await this.#note(`taken ${String(audioBytes)} bytes ${law} ended by ${endedBy}`);
  }

  #note(what: string): Promise<void> {
    this.log.push(what);
    return Promise.resolve();
  }
}
