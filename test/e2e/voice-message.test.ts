import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { type CallPlan, closeCallers, RawCaller, type RawConnection } from '../support/raw-caller.js';
import { deliveredMails, type MessageFacts, payloadOf, Site, speech } from '../support/site.js';

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make();
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

afterEach(closeCallers);

const taken = (callId: string) => (line: Readonly<Record<string, unknown>>) =>
  line['event'] === 'message-stored' && line['callId'] === callId;

/** A caller on the way to mailbox 1000. */
function caller(plan: Partial<CallPlan> = {}): Promise<RawCaller> {
  return RawCaller.make({
    server: site.listen,
    user: '5000',
    headers: ['Diversion: <sip:1000@pbx.example.test>;reason=no-answer'],
    ...plan,
  });
}

/** Speaks once the beep is over, hangs up; the message that it left. */
async function leave(calls: RawCaller, audio: Uint8Array, shared?: RawConnection): Promise<MessageFacts> {
  const answer = await calls.invite(shared);
  assert.equal(answer.status, 200, answer.text);
  await calls.heardBeep();
  await calls.speak(audio);
  assert.equal((await calls.hangUp()).status, 200);
  await daemon.logged(taken(calls.callId));
  const messages = (await daemon.json('messages')) as readonly MessageFacts[];
  const message = messages.find(({ callId }) => callId === calls.callId);
  assert.ok(message, 'the message is in the list');
  return message;
}

describe('an unanswered call becomes a voice message', () => {
  test('router 302, service 302, worker 200; the stored payload is what was sent', async () => {
    const audio = speech(2, 3);
    const calls = await caller();
    const message = await leave(calls, audio);
    assert.deepEqual(calls.hops, [
      { port: 5060, status: 302 },
      { port: 5062, status: 302 },
      { port: 5065, status: 200 },
    ]);
    assert.equal(message.mailbox, '1000@example.test');
    assert.equal(message.from, '5551234');
    assert.equal(message.codec, 'PCMU');
    assert.equal(message.partial, false);
    const stored = payloadOf(message.audioFile ?? '');
    assert.notEqual(stored.indexOf(Buffer.from(audio)), -1, 'the recording holds every byte of what was said');
  });

  test('PCMA is kept as PCMA, bit by bit', async () => {
    const audio = speech(2, 5);
    const message = await leave(await caller({ payloadType: 8 }), audio);
    assert.equal(message.codec, 'PCMA');
    assert.notEqual(payloadOf(message.audioFile ?? '').indexOf(Buffer.from(audio)), -1);
  });

  test('no offer in the INVITE: ours in the 200, the answer in the ACK', async () => {
    const audio = speech(2, 7);
    const message = await leave(await caller({ offer: false }), audio);
    assert.notEqual(payloadOf(message.audioFile ?? '').indexOf(Buffer.from(audio)), -1);
  });

  test('no Diversion, the extension dialled itself', async () => {
    const message = await leave(await caller({ user: '1001', headers: [] }), speech(2, 9));
    assert.equal(message.mailbox, '1001@example.test');
  });

  test('# ends the message and is not in it; goodbye, then BYE from the server', async () => {
    const audio = speech(2, 11);
    const calls = await caller();
    await calls.invite();
    await calls.heardBeep();
    await calls.speak(audio);
    calls.sendKey(11);
    const connection = calls.connection;
    assert.ok(connection);
    await connection.received(() => connection.requests.find((text) => text.startsWith('BYE')));
    await daemon.logged(taken(calls.callId));
    const messages = (await daemon.json('messages')) as readonly MessageFacts[];
    const message = messages.find(({ callId }) => callId === calls.callId);
    const stored = payloadOf(message?.audioFile ?? '');
    const begin = stored.indexOf(Buffer.from(audio));
    assert.notEqual(begin, -1);
    assert.equal(stored.length, begin + audio.length, 'nothing follows the speech');
  });

  test('the worker is called over one shared connection by several calls at once', async () => {
    const first = await caller();
    await first.invite();
    const shared = first.connection;
    assert.ok(shared);
    const second = await caller({ port: 5065, headers: ['Diversion: <sip:1001@pbx>'] });
    const one = leaveOn(first, 13);
    const message = await leave(second, speech(2, 15), shared);
    assert.equal(message.mailbox, '1001@example.test');
    await one;
  });

  test('hold and resume do not end a recording', async () => {
    const calls = await caller();
    await calls.invite();
    await calls.heardBeep();
    await calls.speak(speech(1, 17));
    assert.equal((await calls.request('INVITE', [], calls.sdp('sendonly', 2))).status, 200);
    assert.equal((await calls.request('INVITE', [], calls.sdp('sendrecv', 3))).status, 200);
    await calls.speak(speech(1, 19));
    await calls.hangUp();
    await daemon.logged(taken(calls.callId));
  });

  test('hang-up at once: a missed call, no message', async () => {
    const calls = await caller({ from: '5559999' });
    await calls.invite();
    await calls.hangUp();
    await daemon.logged((line) => line['event'] === 'message-stored' && line['callId'] === calls.callId);
    const missed = (await daemon.json('messages', '--missed')) as readonly MessageFacts[];
    assert.ok(missed.some(({ callId, audioFile }) => callId === calls.callId && audioFile === null));
  });

  test('the e-mail is delivered to a Maildir with the recording attached', async () => {
    const message = await leave(await caller({ from: '5557777' }), speech(2, 21));
    await daemon.logged((line) => line['event'] === 'mail-delivered' && line['message'] === message.id);
    const mail = deliveredMails(site.data)
      .map((file) => readFileSync(file, 'latin1'))
      .find((text) => /^X-CallingTelephoneNumber: 5557777\r?$/m.test(text));
    assert.ok(mail);
    assert.match(mail, /^Content-Class: voice-ca\r?$/m);
    assert.match(mail, /Voice Mail\.mp3/);
  });

  test('messages are shown, saved, marked and deleted by the first digits of their id', async () => {
    const audio = speech(2, 23);
    const { id } = await leave(await caller(), audio);
    const short = id.slice(0, 12);
    assert.match((await daemon.command('messages', 'show', short)).stdout, new RegExp(id));
    const saved = await daemon.command('messages', 'save', short, 'saved.wav');
    assert.equal(saved.status, 0, saved.stderr);
    assert.notEqual(payloadOf(`${site.data}/saved.wav`).indexOf(Buffer.from(audio)), -1);
    assert.equal((await daemon.command('messages', 'save', short, 'saved.wav')).status, 1, 'never replaced unasked');
    assert.equal(((await daemon.json('messages', 'mark', short, '--read')) as { read: boolean }).read, true);
    assert.equal((await daemon.command('messages', 'delete', short)).status, 0);
    assert.equal((await daemon.command('messages', 'show', short)).status, 4);
  });

  test('status names every process and port', async () => {
    const status = (await daemon.json('status')) as {
      readonly supervisor: { readonly pid: number };
      readonly router: { readonly pid: number; readonly tcp: number; readonly tls: number | null };
      readonly service: { readonly tcp: number };
      readonly workers: readonly { readonly generation: string; readonly port: number; readonly state: string }[];
    };
    assert.equal(status.supervisor.pid, daemon.pid);
    assert.deepEqual([status.router.tcp, status.router.tls, status.service.tcp], [5060, null, 5062]);
    assert.deepEqual(
      status.workers.map(({ generation, port, state }) => [generation, port, state]),
      [['A', 5065, 'active']],
    );
  });
});

async function leaveOn(calls: RawCaller, seed: number): Promise<void> {
  await calls.heardBeep();
  await calls.speak(speech(2, seed));
  await calls.hangUp();
}
