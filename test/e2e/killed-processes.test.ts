import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers, type RawCaller } from '../support/raw-caller.js';
import { callerOf, leaveMessage, recordingCall, storedMessage, talkingWhile } from '../support/recording-call.js';
import { payloadOf, Site, speech } from '../support/site.js';

/** Only so that a fault does not make the run hang. */
const patience = { timeout: 90_000 };

const holds = (message: { readonly audioFile: string | null }, audio: Uint8Array): boolean =>
  payloadOf(message.audioFile ?? '').includes(Buffer.from(audio));

describe('kill -9 of one process', () => {
  let site: Site;
  let daemon: Daemon;

  /** A call from before the kill to after it: its message is whole. */
  async function callAcross(kill: (call: RawCaller) => Promise<void>): Promise<void> {
    const call = await recordingCall(site);
    await call.speak(speech(1, 5));
    await talkingWhile(kill(call), call);
    await call.speak(speech(1, 6));
    const message = await leaveMessage(daemon, call);
    assert.equal(message.partial, false);
    assert.ok(holds(message, speech(1, 5)) && holds(message, speech(1, 6)), 'all of it was recorded');
  }

  before(async () => {
    site = await Site.make({ which: 0 });
    daemon = await site.start();
  }, patience);
  after(async () => {
    closeCallers();
    await daemon.dispose();
    site.remove();
  });

  test('the worker in mid-recording: its partial message is there, the next call is answered', patience, async () => {
    const call = await recordingCall(site);
    await call.speak(speech(2, 3));
    const from = daemon.lines.length;
    daemon.signal('SIGKILL', daemon.childOf('worker'));
    await daemon.logged(({ event }) => event === 'worker-active', from);
    const next = await recordingCall(site);
    await next.speak(speech(1.2, 4));
    assert.equal((await leaveMessage(daemon, next)).partial, false);
    const message = await storedMessage(daemon, call);
    assert.equal(message.partial, true);
    assert.ok(holds(message, speech(1, 3)), 'no more than a moment of it is lost');
  });

  test('the router: the call in progress finishes, the next is answered', patience, async () => {
    await callAcross(async () => {
      const from = daemon.lines.length;
      daemon.signal('SIGKILL', daemon.childOf('router'));
      await daemon.logged(({ event, role }) => event === 'process-ready' && role === 'router', from);
    });
    await callAcross(() => Promise.resolve());
  });

  test(
    'the mailbox service: the call in progress finishes, calls go on meanwhile with the last snapshot',
    patience,
    async () => {
      let meanwhile: RawCaller | undefined;
      await callAcross(async () => {
        const from = daemon.lines.length;
        daemon.signal('SIGKILL', daemon.childOf('mailbox'));
        const call = await recordingCall(site, '1001');
        await call.speak(speech(1.2, 8));
        assert.equal((await call.hangUp()).status, 200);
        meanwhile = call;
        await daemon.logged(({ event, role }) => event === 'process-ready' && role === 'mailbox', from);
      });
      assert.ok(meanwhile);
      assert.equal((await storedMessage(daemon, meanwhile)).partial, false);
    },
  );

  test(
    'the UM service: the next one takes calls on the other pair, the call in progress finishes, its worker ends',
    patience,
    async () => {
      const worker = daemon.childOf('worker');
      await callAcross(async (call) => {
        const from = daemon.lines.length;
        daemon.signal('SIGKILL', daemon.childOf('service'));
        await daemon.logged(({ event }) => event === 'worker-active', from);
        const next = await recordingCall(site);
        assert.notEqual(next.hops.at(-1)?.port, call.hops.at(-1)?.port);
        await next.hangUp();
      });
      await daemon.logged(({ event, pid }) => event === 'worker-ended' && pid === worker);
    },
  );

  test('the UM service twice, with a call on each pair: 503 until one pair is free', patience, async () => {
    const first = await recordingCall(site);
    const second = await talkingWhile(otherPair(), first);
    assert.deepEqual([first, second].map((call) => call.hops.at(-1)?.port).sort(), [5065, 5067]);
    await talkingWhile(bothTaken(), first, second);
    const from = daemon.lines.length;
    for (const call of [first, second]) {
      assert.equal((await call.hangUp()).status, 200);
      assert.equal((await storedMessage(daemon, call)).partial, false);
    }
    await daemon.logged(({ event }) => event === 'worker-active', from);
    await callAcross(() => Promise.resolve());
  });

  /** Kills the UM service, and calls the next one's worker. */
  async function otherPair(): Promise<RawCaller> {
    const from = daemon.lines.length;
    daemon.signal('SIGKILL', daemon.childOf('service'));
    await daemon.logged(({ event }) => event === 'worker-active', from);
    return recordingCall(site);
  }

  /** Kills it again, and is refused by the next one. */
  async function bothTaken(): Promise<void> {
    const from = daemon.lines.length;
    daemon.signal('SIGKILL', daemon.childOf('service'));
    await daemon.logged(({ event, generation }) => event === 'worker-ports-taken' && generation === 'B', from);
    const refused = await callerOf(site);
    const answer = await refused.invite();
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.text, /^Retry-After:/m);
  }
});

describe('kill -9 of the supervisor', () => {
  let site: Site;
  let daemon: Daemon;
  let next: Daemon | undefined;

  before(async () => {
    site = await Site.make({ which: 1 });
    daemon = await site.start();
  }, patience);
  after(async () => {
    closeCallers();
    await next?.dispose();
    await daemon.dispose();
    site.remove();
  });

  test(
    'the call in progress finishes beside the next start, which takes its message; then nothing is left',
    patience,
    async () => {
      const call = await recordingCall(site);
      await call.speak(speech(1, 11));
      daemon.signal('SIGKILL');
      next = await talkingWhile(site.start(), call);
      const beside = await talkingWhile(recordingCall(site), call);
      assert.equal(beside.hops.at(-1)?.port, 5067);
      await call.speak(speech(1, 12));
      const message = await talkingWhile(leaveMessage(next, call), beside);
      assert.equal(message.partial, false);
      assert.ok(holds(message, speech(1, 11)) && holds(message, speech(1, 12)));
      await talkingWhile(daemon.abandoned(), beside);
      next.signal('SIGKILL');
      await beside.speak(speech(1.2, 13));
      assert.equal((await beside.hangUp()).status, 200);
      await next.abandoned();
    },
  );
});
