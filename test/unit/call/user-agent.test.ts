import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import { statelessTag } from '../../../src/protocol/sip/stateless-tag.js';
import { CallBench, gatewaySdp } from '../../support/call-bench.js';
import { flowOf, requestOf, ScriptedTransaction } from '../../support/scripted-signalling.js';
import { settled } from '../../support/virtual-time.js';

/** The one refusal of a bench, with what was logged about it. */
function refusalOf(bench: CallBench, transaction: ScriptedTransaction): string {
  const [line] = bench.events('call-refused');
  assert.ok(line);
  assert.ok(bench.isEmpty, 'nothing is left');
  return `${String(transaction.last.status)} ${String(line['code'])}`;
}

describe('a call is answered', () => {
  test('180, then 200 with Contact, Allow, Supported, Server and the answer', async () => {
    const bench = new CallBench();
    const invite = await bench.invite();
    assert.deepEqual(invite.statuses, [180, 200]);
    const ok = invite.last;
    assert.equal(ok.header('contact'), '<sip:198.51.100.1:5065;transport=tcp>');
    assert.match(ok.header('allow') ?? '', /UPDATE/);
    assert.notEqual(ok.header('supported'), undefined);
    assert.match(ok.header('server') ?? '', /^OpenUM/);
    assert.equal(ok.header('content-type'), 'application/sdp');
    assert.match(ok.body, /\r\nm=audio 20000 RTP\/AVP 0 101\r\n/);
    assert.equal(invite.responses[0]?.toTag, ok.toTag);
    assert.equal(ok.toTag, 'ab'.repeat(8));
  });

  test('media is opened on the address that the caller reached', async () => {
    const bench = new CallBench();
    await bench.invite();
    assert.deepEqual(bench.media.openedOn, ['198.51.100.1']);
  });

  test('AdvertisedAddress stands in Contact and SDP, media is opened on the real one', async () => {
    const bench = new CallBench({ advertisedAddress: '203.0.113.5' });
    const { last } = await bench.invite();
    assert.equal(last.header('contact'), '<sip:203.0.113.5:5065;transport=tcp>');
    assert.match(last.body, /c=IN IP4 203\.0\.113\.5/);
    assert.deepEqual(bench.media.openedOn, ['198.51.100.1']);
  });

  test("StrictMedia of the gateway is the media session's", async () => {
    const bench = new CallBench({ strictMedia: true });
    await bench.invite();
    assert.equal(bench.session.configured[0]?.strictMedia, true);
  });

  test('what was agreed on is what the media session does', async () => {
    const bench = new CallBench();
    await bench.invite({ body: gatewaySdp('m=audio 4000 RTP/AVP 97 101', 'a=rtpmap:97 PCMA/8000', 'a=ptime:30') });
    assert.deepEqual(bench.session.configured, [
      {
        remote: { address: '192.0.2.10', port: 4_000 },
        remoteRtcp: { address: '192.0.2.10', port: 4_001 },
        law: 'PCMA',
        payloadType: 97,
        telephoneEvent: 101,
        ptimeMs: 30,
        send: true,
        receive: true,
        strictMedia: false,
      },
    ]);
  });

  test('one line says that it was answered', async () => {
    const bench = new CallBench();
    await bench.invite();
    const [line] = bench.events('call-answered');
    assert.equal(line?.['mailbox'], '1000@example.test');
    assert.equal(line['caller'], '5551234');
  });

  test('INVITE with the To tag of our router or service is a new call, and keeps that tag', async () => {
    const bench = new CallBench();
    const tag = statelessTag('call-1@pbx');
    const invite = await bench.invite({ toTag: tag });
    assert.equal(invite.last.status, 200);
    assert.equal(invite.last.toTag, tag);
    await bench.ack(invite);
    assert.equal((await bench.inside(invite, 'BYE', { cseq: 2 })).last.status, 200);
    assert.ok(bench.isEmpty);
  });

  test('a sips: request gets a sips: Contact', async () => {
    const { last } = await new CallBench().invite({ uri: 'sips:5000@um.example.test' });
    assert.match(last.header('contact') ?? '', /^<sips:/);
  });

  test('so does one that came by a sips: route, or without a route from a sips: Contact (§12.1.1)', async () => {
    const contactFor = async (...headers: readonly string[]): Promise<string> =>
      (await new CallBench().invite({ headers })).last.header('contact') ?? '';
    assert.match(await contactFor('Record-Route: <sips:proxy;lr>, <sip:other;lr>'), /^<sips:/);
    assert.match(await contactFor('Record-Route: <sip:proxy;lr>, <sips:other;lr>'), /^<sip:/);
  });
});

describe('a call is refused', () => {
  for (const [name, text, why] of [
    ['no G.711', { body: gatewaySdp('m=audio 4000 RTP/AVP 18') }, '488 no-common-codec'],
    ['SRTP only', { body: gatewaySdp('m=audio 4000 RTP/SAVP 0') }, '488 no-common-codec'],
    ['an offer without stream', { body: 'v=0\r\n' }, '488 offer-unusable'],
    ['media in the other address family', { body: gatewaySdp('c=IN IP6 2001:db8::1') }, '488 offer-unusable'],
    ['a body that is no SDP inside', { body: 'hello' }, '400 malformed-message'],
    ['a body of another type', { body: '<xml/>', headers: ['Content-Type: text/xml'] }, '415 body-type-unsupported'],
    ['a compressed body', { body: 'x', headers: ['Content-Encoding: gzip'] }, '415 body-type-unsupported'],
    ['an extension that is required', { headers: ['Require: 100rel'] }, '420 extension-unsupported'],
    ['a Contact that leads nowhere', { headers: ['Contact: <sip:>'] }, '400 malformed-message'],
    ['a To tag of nobody', { toTag: 'foreign' }, '481 dialog-unknown'],
  ] as const) {
    test(`${name} -> ${why}`, async () => {
      const bench = new CallBench();
      assert.equal(refusalOf(bench, await bench.invite(text)), why);
      assert.deepEqual(bench.media.openedOn, []);
    });
  }

  test('420 names what is lacking in Unsupported', async () => {
    const { last } = await new CallBench().invite({ headers: ['Require: 100rel, histinfo'] });
    assert.equal(last.header('unsupported'), '100rel');
  });

  test('a body that may be passed over is (RFC 3261 §8.2.3)', async () => {
    const headers = ['Content-Type: application/x-q931', 'Content-Disposition: signal;handling=optional'];
    const { last } = await new CallBench().invite({ headers, body: 'x' });
    assert.equal(last.status, 200);
    assert.match(last.body, /RTP\/AVP 0 8 101/, 'as if there were no offer');
  });

  test('a Secured dial plan -> 488 security-mismatch', async () => {
    const bench = new CallBench({ dialPlan: { voipSecurity: 'Secured' } });
    assert.equal(refusalOf(bench, await bench.invite()), '488 security-mismatch');
  });

  test('a peer that is no gateway -> 403', async () => {
    const bench = new CallBench();
    const invite = new ScriptedTransaction(requestOf({ method: 'INVITE' }), flowOf('flow-1', '203.0.113.1'));
    bench.agent.onRequest(invite);
    await settled();
    assert.equal(refusalOf(bench, invite), '403 peer-not-a-gateway');
  });

  test('no directory yet -> 503', async () => {
    const bench = new CallBench();
    bench.directory = undefined;
    assert.equal(refusalOf(bench, await bench.invite()), '503 directory-unavailable');
  });

  test('one call more than MaxCallsAllowed -> 503; the other generation counts, and so does a call being set up', async () => {
    const bench = new CallBench({ maxCallsAllowed: 3 });
    bench.limit.others = 1;
    bench.media.opening = new Promise(() => undefined);
    await bench.invite({ callId: 'one' });
    await bench.invite({ callId: 'two' });
    const third = await bench.invite({ callId: 'three' });
    assert.equal(third.last.status, 503);
    assert.notEqual(third.last.header('retry-after'), undefined);
    assert.equal(bench.events('call-refused')[0]?.['code'], 'too-many-calls');
    assert.equal(bench.limit.own, 2);
  });

  test('a call that is over makes room', async () => {
    const bench = new CallBench({ maxCallsAllowed: 1 });
    const first = await bench.answered({ callId: 'one' });
    await bench.inside(first, 'BYE', { cseq: 2 });
    assert.equal((await bench.invite({ callId: 'two' })).last.status, 200);
    assert.deepEqual(bench.counts, [1, 0, 1]);
  });

  test('draining with a successor -> 302 to it', async () => {
    const bench = new CallBench();
    bench.admission = { kind: 'redirect', port: 5_067 };
    const { last } = await bench.invite();
    assert.equal(last.status, 302);
    assert.equal(last.header('contact'), '<sip:5000@198.51.100.1:5067;transport=tcp>');
    assert.ok(bench.isEmpty);
  });

  test('draining without a successor -> 503; calls that are up go on', async () => {
    const bench = new CallBench();
    const up = await bench.answered({ callId: 'one' });
    bench.admission = { kind: 'closed', detail: 'the worker finishes its calls' };
    assert.equal((await bench.invite({ callId: 'two' })).last.status, 503);
    assert.equal((await bench.inside(up, 'OPTIONS', { cseq: 2 })).last.status, 200);
  });

  test('the disk nearly full -> 503, no port is leased', async () => {
    const bench = new CallBench();
    bench.spool.room = Promise.reject(new UmError('disk-nearly-full', '1 MB left'));
    assert.equal(refusalOf(bench, await bench.invite()), '503 disk-nearly-full');
    assert.deepEqual(bench.media.openedOn, []);
  });

  test('no RTP port left -> 503', async () => {
    const bench = new CallBench();
    bench.media.opening = Promise.reject(new UmError('rtp-ports-exhausted', '0 of 4'));
    assert.equal(refusalOf(bench, await bench.invite()), '503 rtp-ports-exhausted');
  });

  test('a fault of ours -> 500 that tells the peer nothing of it, and an error in the log', async () => {
    const bench = new CallBench();
    bench.media.opening = Promise.reject(new TypeError('secret of ours'));
    const invite = await bench.invite();
    assert.equal(refusalOf(bench, invite), '500 internal-fault');
    assert.doesNotMatch(invite.last.wire, /secret/);
    assert.match(String(bench.events('internal-fault')[0]?.['stack']), /secret/);
  });
});

describe('a caller who gives up while the call is set up', () => {
  for (const [name, hold] of [
    ['while the disk is looked at', 'room'],
    ['while the port is opened', 'opening'],
  ] as const) {
    test(`CANCEL ${name} -> 487, neither message nor missed call, nothing leaks`, async () => {
      const bench = new CallBench();
      let goOn: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (goOn = resolve));
      if (hold === 'room') bench.spool.room = held;
      else bench.media.opening = held;
      const invite = await bench.invite();
      assert.deepEqual(invite.statuses, []);
      bench.agent.onCancel(invite);
      assert.deepEqual(invite.statuses, [487]);
      goOn();
      await settled();
      assert.deepEqual(invite.statuses, [487]);
      assert.deepEqual(bench.spool.log, []);
      assert.ok(bench.isEmpty);
      assert.equal(bench.events('call-cancelled').length, 1);
    });
  }

  test('CANCEL after the answer changes nothing', async () => {
    const bench = new CallBench();
    const invite = await bench.invite();
    bench.agent.onCancel(invite);
    assert.deepEqual(invite.statuses, [180, 200]);
    assert.equal(bench.agent.reports.length, 1);
  });

  test('the server stops -> 503', async () => {
    const bench = new CallBench();
    bench.media.opening = new Promise(() => undefined);
    const invite = await bench.invite();
    void bench.agent.stopCalls();
    assert.deepEqual(invite.statuses, [503]);
    assert.equal(bench.limit.own, 0);
  });
});

describe('requests of no call', () => {
  for (const [method, status] of [
    ['OPTIONS', 200],
    ['BYE', 481],
    ['UPDATE', 481],
    ['MESSAGE', 405],
    ['NOTIFY', 405],
  ] as const) {
    test(`${method} -> ${String(status)}`, async () => {
      assert.equal((await new CallBench().request({ method })).last.status, status);
    });
  }

  test('a BYE with tags of nobody -> 481, logged', async () => {
    const bench = new CallBench();
    assert.equal((await bench.request({ method: 'BYE', toTag: 'nobody' })).last.status, 481);
    assert.equal(bench.events('call-refused')[0]?.['code'], 'dialog-unknown');
  });

  test('a stray ACK is absorbed', () => {
    new CallBench().agent.onAck(requestOf({ method: 'ACK', toTag: 'nobody' }), flowOf());
  });
});

describe('what status shows', () => {
  test('ringing, answering, recording, ending', async () => {
    const bench = new CallBench();
    const states: string[] = [];
    const look = (): number => states.push(bench.agent.reports[0]?.state ?? 'none');
    let goOn: () => void = () => undefined;
    bench.media.opening = new Promise<void>((resolve) => (goOn = resolve));
    const invite = await bench.invite();
    look();
    goOn();
    await settled();
    look();
    bench.session.played();
    await settled();
    bench.session.played();
    await settled();
    look();
    void bench.agent.stopCalls();
    look();
    await bench.ack(invite);
    bench.signalling.answer('BYE', 200);
    await settled();
    look();
    assert.deepEqual(states, ['ringing', 'answering', 'recording', 'ending', 'none']);
  });

  test('a call with everything that is known of it', async () => {
    const bench = new CallBench();
    await bench.invite();
    assert.deepEqual(bench.agent.reports, [
      {
        callId: 'call-1@pbx',
        from: '5551234',
        callerName: 'Ann',
        mailbox: '1000@example.test',
        extension: '1000',
        startedAt: '2023-11-14T22:13:20.000Z',
        state: 'answering',
        gateway: 'PBX',
      },
    ]);
  });
});
