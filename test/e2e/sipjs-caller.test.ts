import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { type Session, SessionState, URI } from 'sip.js/lib/core/index.js';
import { type Daemon, ownLoopbackAddress } from '../support/daemon.js';
import { type MessageFacts, payloadOf, Site, speech } from '../support/site.js';
import { type CallOutcome, SipJsCaller } from '../support/sipjs-caller.js';

const local = ownLoopbackAddress(1);
const spoken = Buffer.from(speech(3, 51));

let site: Site;
let daemon: Daemon;
let caller: SipJsCaller;
let rtp: Socket;

before(async () => {
  site = await Site.make({ which: 0 });
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

beforeEach(async () => {
  caller = new SipJsCaller(local, '5551234');
  rtp = createSocket('udp4');
  rtp.bind(0, local);
  await once(rtp, 'listening');
});

afterEach(() => {
  caller.close();
  rtp.close();
});

function sdp(direction = 'sendrecv', version = 1): string {
  return [
    'v=0',
    `o=- 1 ${String(version)} IN IP4 ${local}`,
    's=-',
    `c=IN IP4 ${local}`,
    't=0 0',
    `m=audio ${String(rtp.address().port)} RTP/AVP 0 101`,
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n');
}

const pilot = (): URI => new URI('sip', '5000', site.listen, 5060, { transport: 'tcp' });
const diverted = ['Diversion: <sip:1000@pbx.example.test>;reason=no-answer'];

/** A stream of packets to where the answer wants them. */
class Talker {
  readonly #port: number;
  #sequence = 0;
  #timestamp = 0;

  constructor(answer: string) {
    this.#port = Number(/^m=audio (\d+)/m.exec(answer)?.[1]);
  }

  /** Speaks at a telephone's pace: one packet in 20 ms. */
  async speak(audio: Uint8Array): Promise<void> {
    const start = performance.now();
    for (let at = 0; at + 160 <= audio.length; at += 160) {
      const early = start + at / 8 - performance.now();
      if (early > 0) await new Promise((done) => setTimeout(done, early)); // the pace of a telephone, not a wait for the server
      this.#send(0, audio.subarray(at, at + 160), this.#timestamp);
      this.#timestamp += 160;
    }
  }

  /** The pound key by RFC 4733. */
  pressPound(): void {
    for (const end of [0, 0x80, 0x80, 0x80]) this.#send(101, Uint8Array.of(11, end | 10, 1, 0x40), this.#timestamp);
    this.#timestamp += 320;
  }

  #send(payloadType: number, payload: Uint8Array, timestamp: number): void {
    const header = Buffer.alloc(12);
    header.set([0x80, payloadType]);
    header.writeUInt16BE((this.#sequence += 1), 2);
    header.writeUInt32BE(timestamp, 4);
    header.writeUInt32BE(0x11_22_33_44, 8);
    rtp.send(Buffer.concat([header, payload]), this.#port, site.listen);
  }
}

/** Status of the final response to a request that `send` makes within the call. */
function statusOf(send: (ended: (status: number) => void) => void): Promise<number> {
  return new Promise(send);
}

const byeStatus = (session: Session): Promise<number> =>
  statusOf((ended) => {
    const end = ({ message }: { readonly message: { readonly statusCode: number | undefined } }): void => {
      ended(message.statusCode ?? 0);
    };
    session.bye({ onAccept: end, onReject: end });
  });

function sessionOf({ session, status }: CallOutcome): Session {
  assert.equal(status, 200);
  assert.ok(session);
  return session;
}

/** The message of the latest call. The recording begins after the beep: the last two seconds must be in it, byte by byte. */
async function checkMessage({ callId }: Session): Promise<void> {
  await daemon.logged((line) => line['event'] === 'message-stored' && line['callId'] === callId);
  const message = ((await daemon.json('messages')) as readonly MessageFacts[]).find((each) => each.callId === callId);
  assert.equal(message?.from, '5551234');
  assert.notEqual(payloadOf(message.audioFile ?? '').indexOf(spoken.subarray(8_000)), -1);
}

describe('SIP.js as the gateway', () => {
  test('INVITE, two redirects followed, ACK, speech, BYE -> 200, and the message has what was spoken', async () => {
    const call = await caller.call(pilot(), sdp(), diverted);
    assert.deepEqual(call.hops, [
      { port: 5060, status: 302 },
      { port: 5062, status: 302 },
      { port: 5065, status: 200 },
    ]);
    const session = sessionOf(call);
    assert.equal(session.sessionState, SessionState.Confirmed);
    await new Talker(call.answer).speak(spoken);
    assert.equal(await byeStatus(session), 200);
    await checkMessage(session);
  });

  test('hold and resume by re-INVITE, then the pound key -> the server hangs up with BYE, one whole message', async () => {
    const call = await caller.call(pilot(), sdp(), diverted);
    const session = sessionOf(call);
    const hungUp = new Promise<void>((done) => {
      session.delegate = {
        onBye: (bye) => {
          bye.accept();
          done();
        },
      };
    });
    for (const [version, direction] of [
      [2, 'sendonly'],
      [3, 'sendrecv'],
    ] as const) {
      const body = {
        contentDisposition: 'session',
        contentType: 'application/sdp',
        content: sdp(direction, version),
      };
      const status = await statusOf((ended) => {
        session.invite(
          {
            onAccept: (response) => {
              response.ack();
              ended(response.message.statusCode ?? 0);
            },
            onReject: ({ message }) => {
              ended(message.statusCode ?? 0);
            },
          },
          { body },
        );
      });
      assert.equal(status, 200, direction);
    }
    const talker = new Talker(call.answer);
    await talker.speak(spoken);
    talker.pressPound();
    await hungUp;
    await checkMessage(session);
  });

  test('CANCEL at the first 100 of the worker -> 487, or a 200 that crossed it and is ended by BYE; nothing is left', async () => {
    const worker = 5065;
    const call = await caller.call(pilot(), sdp(), diverted, (attempt) => {
      if (attempt.message.ruri.port === worker) attempt.cancel();
    });
    if (call.session) assert.equal(await byeStatus(call.session), 200);
    else assert.equal(call.status, 487);
    assert.equal(call.hops.at(-1)?.port, worker);
    const status = (await daemon.json('status')) as { readonly calls: readonly unknown[] };
    assert.deepEqual(status.calls, []);
  });

  test('OPTIONS on every listener -> 200 with Allow', async () => {
    for (const port of [5060, 5062, 5065]) {
      const { status, allow } = await caller.options({ host: site.listen, port });
      assert.equal(status, 200, String(port));
      assert.match(allow, /INVITE/);
    }
  });
});
