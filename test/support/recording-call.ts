import assert from 'node:assert/strict';
import type { Daemon } from './daemon.js';
import { RawCaller } from './raw-caller.js';
import { type MessageFacts, type Site, speech } from './site.js';

/** A caller for a mailbox of this site who has not called yet. */
export function callerOf(site: Site, extension = '1000'): Promise<RawCaller> {
  const headers = [`Diversion: <sip:${extension}@pbx>`];
  return RawCaller.make({ server: site.listen, user: '5000', headers });
}

/** A call in which the beep was heard. Rejects when the server goes away before. */
export async function recordingCall(site: Site, extension = '1000'): Promise<RawCaller> {
  const call = await callerOf(site, extension);
  const answer = await call.invite();
  assert.equal(answer.status, 200, answer.text);
  await Promise.race([call.heardBeep(), call.connection?.received(() => undefined)]);
  return call;
}

/** Talks on while `work` is done: silence would end the recording. */
export async function talkingWhile<T>(work: Promise<T>, ...calls: readonly RawCaller[]): Promise<T> {
  const done = new AbortController();
  const talking = calls.map(async (call) => {
    while (!done.signal.aborted) await call.speak(speech(0.2, 77));
  });
  try {
    return await work;
  } finally {
    done.abort();
    await Promise.all(talking);
  }
}

/** Hangs up, and waits until the message is in its mailbox. */
export async function leaveMessage(daemon: Daemon, call: RawCaller): Promise<MessageFacts> {
  assert.equal((await call.hangUp()).status, 200);
  return storedMessage(daemon, call);
}

/** The message of a call, once it is in its mailbox. */
export async function storedMessage(daemon: Daemon, { callId }: RawCaller): Promise<MessageFacts> {
  await daemon.logged((line) => line['event'] === 'message-stored' && line['callId'] === callId);
  const messages = (await daemon.json('messages')) as readonly MessageFacts[];
  const message = messages.find((one) => one.callId === callId);
  assert.ok(message, 'the message is in the mailbox');
  return message;
}
