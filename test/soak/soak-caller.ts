import { RawCaller } from '../support/raw-caller.js';
import { speech } from '../support/site.js';

const SPOKEN_SECONDS = 1.5;

/** What happens in a call, in this order; a call that fails skips the rest. */
export type CallEvent = 'answered' | 'recording' | 'hangingUp' | 'letGo';

let serial = 0;

/** A caller who speaks after the beep and hangs up, and takes it as it comes when the server is killed meanwhile. */
export class SoakCaller {
  readonly audio: Uint8Array;
  callId = '';
  wasAnswered = false;
  /** The server answered the BYE: from here on it answers for the message. */
  wasLetGo = false;
  readonly #server: string;
  readonly #happened = new Set<CallEvent>();
  readonly #watchers = new Set<() => void>();
  #isOver = false;

  constructor(server: string) {
    this.#server = server;
    serial += 1;
    this.audio = speech(SPOKEN_SECONDS, serial);
  }

  /** Resolves when it has happened, or will not happen any more. */
  happened(event: CallEvent): Promise<void> {
    if (this.#happened.has(event) || this.#isOver) return Promise.resolve();
    return new Promise((done) => {
      const watcher = (): void => {
        if (!this.#happened.has(event) && !this.#isOver) return;
        this.#watchers.delete(watcher);
        done();
      };
      this.#watchers.add(watcher);
    });
  }

  /** Calls until the end of the call, whatever it is. */
  async leaveMessage(): Promise<void> {
    const call = await RawCaller.make({
      server: this.#server,
      user: '5000',
      headers: ['Diversion: <sip:1000@pbx>'],
    });
    this.callId = call.callId;
    try {
      await this.#speak(call);
    } catch {
      // the server was killed
    } finally {
      call.close();
      this.#isOver = true;
      this.#wake();
    }
  }

  async #speak(call: RawCaller): Promise<void> {
    if ((await call.invite()).status !== 200) return;
    this.wasAnswered = true;
    this.#tell('answered');
    const closed = call.connection?.received(() => undefined); // never received: rejects when the server is gone
    await Promise.race([call.heardBeep(), closed]);
    this.#tell('recording');
    await call.speak(this.audio);
    this.#tell('hangingUp');
    this.wasLetGo = (await call.hangUp()).status === 200;
    this.#tell('letGo');
  }

  #tell(event: CallEvent): void {
    this.#happened.add(event);
    this.#wake();
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
