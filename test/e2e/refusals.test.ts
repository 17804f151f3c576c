import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Daemon, ownLoopbackAddress } from '../support/daemon.js';
import { type CallPlan, closeCallers, headerOf, RawCaller, RawConnection } from '../support/raw-caller.js';
import { Site, speech } from '../support/site.js';

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make({ which: 1, gateway: [ownLoopbackAddress(1)], pilot: '5000', maxCallsAllowed: 2 });
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

afterEach(closeCallers);

/** Calls once and hangs up nothing: the final response, and the log line of its refusal. */
async function refused(status: number, plan: Partial<CallPlan>): Promise<{ diagnostics: string; line: string }> {
  const calls = await RawCaller.make({
    server: site.listen,
    user: '5000',
    headers: ['Diversion: <sip:1000@pbx>'],
    ...plan,
  });
  const answer = await calls.invite();
  calls.close();
  assert.equal(answer.status, status, answer.text);
  const line = await daemon.logged(({ event, callId }) => event === 'call-refused' && callId === calls.callId);
  assert.equal(line['level'], 'warn');
  return {
    diagnostics: headerOf(answer.text, 'ms-diagnostics') ?? '',
    line: JSON.stringify(line),
  };
}

describe('every refusal says why, to the peer and to the admin', () => {
  test('a peer that is no gateway -> 403', async () => {
    const { diagnostics, line } = await refused(403, { local: ownLoopbackAddress(3) });
    assert.match(diagnostics, /^15002;source="um\.example\.test";reason=/);
    assert.match(line, /peer-not-a-gateway/);
  });

  test('an unknown pilot -> 404', async () => {
    const { line } = await refused(404, { user: '5001' });
    assert.match(line, /pilot-unknown/);
  });

  test('an unknown extension -> 404 that names it', async () => {
    const { line } = await refused(404, { headers: ['Diversion: <sip:1099@pbx>'] });
    assert.match(line, /1099/);
  });

  test('a call that asks for sign-in by phone -> 480', async () => {
    const { line } = await refused(480, { headers: [] });
    assert.match(line, /sign-in-not-implemented/);
  });

  test('no G.711 -> 488 that names what was offered', async () => {
    const calls = await RawCaller.make({ server: site.listen, user: '5000', headers: ['Diversion: <sip:1000@pbx>'] });
    const withG729 = (): string => calls.sdp().replace('RTP/AVP 0 101', 'RTP/AVP 18 101');
    const connection = await RawConnection.open(site.listen, 5065, site.listen);
    const sdp = withG729();
    connection.send(
      [
        `INVITE sip:5000@${site.listen}:5065 SIP/2.0`,
        `Via: SIP/2.0/TCP ${site.listen};branch=z9hG4bKg729`,
        'Max-Forwards: 70',
        'From: <sip:5551234@pbx>;tag=g729',
        'To: <sip:5000@um>',
        `Call-ID: ${calls.callId}`,
        'CSeq: 1 INVITE',
        'Contact: <sip:pbx@127.0.0.1>',
        'Diversion: <sip:1000@pbx>',
        'Content-Type: application/sdp',
        `Content-Length: ${String(sdp.length)}`,
        '',
        sdp,
      ].join('\r\n'),
    );
    const answer = await connection.final(calls.callId, '1 INVITE');
    assert.equal(answer.status, 488);
    assert.match(headerOf(answer.text, 'Warning') ?? headerOf(answer.text, 'ms-diagnostics') ?? '', /G729|18/);
    connection.close();
    calls.close();
  });

  test('one call more than MaxCallsAllowed -> 503 with Retry-After; the calls that are up go on', async () => {
    const up = await Promise.all(
      ['1000', '1001'].map(async (extension) => {
        const calls = await RawCaller.make({
          server: site.listen,
          user: '5000',
          headers: [`Diversion: <sip:${extension}@pbx>`],
        });
        assert.equal((await calls.invite()).status, 200);
        return calls;
      }),
    );
    const third = await RawCaller.make({ server: site.listen, user: '5000', headers: ['Diversion: <sip:1000@pbx>'] });
    const answer = await third.invite();
    assert.equal(answer.status, 503);
    assert.ok(headerOf(answer.text, 'Retry-After'));
    third.close();
    for (const calls of up) {
      await calls.heardBeep();
      await calls.speak(speech(1, 3));
      assert.equal((await calls.hangUp()).status, 200);
      calls.close();
      await daemon.logged(({ event, callId }) => event === 'message-stored' && callId === calls.callId);
    }
  });

  test('OPTIONS is answered 200 on every listener, with Max-Forwards 0 and no user part', async () => {
    for (const port of [5060, 5062, 5065]) {
      const connection = await RawConnection.open(site.listen, port, site.listen);
      connection.send(
        [
          `OPTIONS sip:${site.listen} SIP/2.0`,
          `Via: SIP/2.0/TCP ${site.listen};branch=z9hG4bKo${String(port)}`,
          'Max-Forwards: 0',
          'From: <sip:pbx>;tag=o',
          'To: <sip:um>',
          `Call-ID: options-${String(port)}`,
          'CSeq: 1 OPTIONS',
          'Content-Length: 0',
          '',
          '',
        ].join('\r\n'),
      );
      assert.equal((await connection.final(`options-${String(port)}`, '1 OPTIONS')).status, 200, String(port));
      connection.close();
    }
  });
});

const MALFORMED: readonly string[] = [
  'INVITE\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'INVITE sip:5000@um SIP/3.0\r\nVia: SIP/3.0/TCP x;branch=z9hG4bKm1\r\n\r\n',
  ...[
    'Via: garbage',
    'From: <sip:a@b',
    'To: "unterminated <sip:x@y>',
    'CSeq: 99999999999 INVITE',
    'CSeq: 1 BYE',
    'CSeq: one INVITE',
    'Content-Length: -1',
    'Content-Length: 99999999999999',
    'Content-Length: 1e3',
    'Call-ID:',
    'Max-Forwards: many',
    'no colon in this line',
    ': no name',
    'CSeq: -1 INVITE',
    'To: <sip:5000@um',
    `Subject: ${'x'.repeat(70_000)}`,
    ...Array.from({ length: 1 }, () => Array.from({ length: 600 }, (_, n) => `X-${String(n)}: 1`).join('\r\n')),
  ].map((line) => malformed(line)),
];

function malformed(line: string): string {
  const name = /^[A-Za-z-]+:/.exec(line)?.[0] ?? '';
  const kept = [
    'Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKbad',
    'From: <sip:a@b>;tag=1',
    'To: <sip:5000@um>',
    'Call-ID: malformed@test',
    'CSeq: 1 INVITE',
    'Max-Forwards: 70',
    'Content-Length: 0',
  ].filter((good) => name === '' || !good.startsWith(name));
  return ['INVITE sip:5000@um SIP/2.0', ...kept, line, '', ''].join('\r\n');
}

describe('20 malformed messages', () => {
  test('each is refused or cut off, each has a log line, and the server goes on', { timeout: 90_000 }, async () => {
    assert.ok(MALFORMED.length >= 20);
    for (const port of [5060, 5062, 5065]) {
      for (const message of MALFORMED) {
        const from = daemon.lines.length;
        const connection = await RawConnection.open(site.listen, port, site.listen);
        connection.send(message);
        const answer = await connection
          .received(() => connection.responses.find(({ status }) => status >= 200))
          .catch(() => undefined);
        assert.ok(answer === undefined || answer.status >= 400, `${String(port)}: ${message.slice(0, 400)}`);
        await daemon.logged(({ event }) => event === 'message-refused' || event === 'call-refused', from);
        connection.close();
      }
    }
    const calls = await RawCaller.make({ server: site.listen, user: '5000', headers: ['Diversion: <sip:1000@pbx>'] });
    assert.equal((await calls.invite()).status, 200);
    await calls.hangUp();
    calls.close();
  });
});
