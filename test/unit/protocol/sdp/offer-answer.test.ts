import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  answerOffer,
  type ChosenStream,
  chooseAudio,
  type LocalAudio,
  makeOffer,
  termsOf,
} from '../../../../src/protocol/sdp/offer-answer.js';
import { formatSessionDescription, parseSessionDescription } from '../../../../src/protocol/sdp/session-description.js';

const local: LocalAudio = {
  address: { type: 'IP4', address: '198.51.100.9' },
  port: 20_000,
  sessionId: '85',
  sessionVersion: 0,
};

function offer(...lines: readonly string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...lines, ''].join('\r\n');
}

function chosen(text: string): ChosenStream {
  const stream = chooseAudio(parseSessionDescription(text));
  assert.ok('law' in stream, JSON.stringify(stream));
  return stream;
}

function refusedWith(...lines: readonly string[]): string {
  const stream = chooseAudio(parseSessionDescription(offer(...lines)));
  assert.ok('code' in stream);
  return `${stream.code}: ${stream.detail}`;
}

/** Lines of the answer from its first m= on. */
function answered(...lines: readonly string[]): readonly string[] {
  const description = parseSessionDescription(offer(...lines));
  const stream = chooseAudio(description);
  assert.ok('law' in stream, JSON.stringify(stream));
  const text = formatSessionDescription(answerOffer(description, stream, local));
  const answer = text.trimEnd().split('\r\n');
  return answer.slice(answer.findIndex((line) => line.startsWith('m=')));
}

describe('answer to an offer (RFC 3264 §6)', () => {
  test('PCMU, PCMA and telephone-event -> the first codec and telephone-event, as Exchange UM writes it', () => {
    const description = parseSessionDescription(
      offer('m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15'),
    );
    const stream = chooseAudio(description);
    assert.ok('law' in stream);
    assert.equal(
      formatSessionDescription(answerOffer(description, stream, local)),
      [
        'v=0',
        'o=- 85 0 IN IP4 198.51.100.9',
        's=session',
        'c=IN IP4 198.51.100.9',
        't=0 0',
        'm=audio 20000 RTP/AVP 0 101',
        'a=sendrecv',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-16',
        'a=ptime:20',
        '',
      ].join('\r\n'),
    );
  });

  test("the first G.711 codec in the peer's order is taken", () => {
    assert.equal(chosen(offer('m=audio 4000 RTP/AVP 18 8 0')).law, 'PCMA');
    assert.equal(chosen(offer('m=audio 4000 RTP/AVP 18 0 8')).law, 'PCMU');
  });

  test('a dynamic payload type may mean PCMU; rtpmap is read in any case', () => {
    const stream = chosen(offer('m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 pcmu/8000/1'));
    assert.deepEqual([stream.law, stream.payloadType], ['PCMU', 97]);
  });

  test('a static payload type that was mapped to something else is that other thing', () => {
    assert.match(
      refusedWith('m=audio 4000 RTP/AVP 0', 'a=rtpmap:0 PCMU/16000'),
      /^no-common-codec: .*PCMU\/16000 \(0\)/,
    );
  });

  test('telephone-event with the clock of 8000 Hz is preferred', () => {
    const lines = ['a=rtpmap:96 telephone-event/48000', 'a=rtpmap:97 telephone-event/8000'];
    assert.equal(chosen(offer('m=audio 4000 RTP/AVP 0 96 97', ...lines)).telephoneEvent, 97);
  });

  test('telephone-event with another clock alone is answered with that clock', () => {
    const lines = answered('m=audio 4000 RTP/AVP 0 96', 'a=rtpmap:96 telephone-event/48000');
    assert.ok(lines.includes('a=rtpmap:96 telephone-event/48000'));
  });

  test('no telephone-event offered -> none answered', () => {
    assert.deepEqual(answered('m=audio 4000 RTP/AVP 8'), [
      'm=audio 20000 RTP/AVP 8',
      'a=sendrecv',
      'a=rtpmap:8 PCMA/8000',
      'a=ptime:20',
    ]);
  });

  test('other streams are refused in their place with port 0; count and order stay', () => {
    const lines = answered(
      'm=video 5000 RTP/AVP 96',
      'm=audio 4100 RTP/SAVP 0',
      'm=audio 4000/2 RTP/AVP 0',
      'm=image 6000 udptl t38',
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('m=')),
      ['m=video 0 RTP/AVP 96', 'm=audio 0 RTP/SAVP 0', 'm=audio 20000 RTP/AVP 0', 'm=image 0 udptl t38'],
    );
  });

  for (const [offered, answer, send, receive] of [
    ['sendrecv', 'sendrecv', true, true],
    ['sendonly', 'recvonly', false, false],
    ['recvonly', 'sendonly', true, false],
    ['inactive', 'inactive', false, false],
  ] as const) {
    test(`offered ${offered} -> answered ${answer}`, () => {
      const line = `a=${offered}`;
      assert.equal(answered('m=audio 4000 RTP/AVP 0', line)[1], `a=${answer}`);
      assert.equal(answered(line, 'm=audio 4000 RTP/AVP 0')[1], `a=${answer}`);
      const terms = termsOf(chosen(offer('m=audio 4000 RTP/AVP 0', line)));
      assert.deepEqual([terms.send, terms.receive], [send, receive]);
    });
  }

  test('the direction of the stream wins over that of the session', () => {
    assert.equal(chosen(offer('a=inactive', 'm=audio 4000 RTP/AVP 0', 'a=sendrecv')).direction, 'sendrecv');
  });

  for (const [nowhere, type] of [
    ['0.0.0.0', 'IP4'],
    ['::', 'IP6'],
  ] as const) {
    test(`hold by c=IN ${type} ${nowhere} (RFC 3264 §8.4) -> nothing is sent, recvonly`, () => {
      const text = ['m=audio 4000 RTP/AVP 0', `c=IN ${type} ${nowhere}`];
      assert.equal(answered(...text)[1], 'a=recvonly');
      const terms = termsOf(chosen(offer(...text)));
      assert.deepEqual([terms.send, terms.receive], [false, false]);
    });
  }

  for (const [lines, ptimeMs] of [
    [[], 20],
    [['a=ptime:30'], 30],
    [['a=ptime:10'], 10],
    [['a=ptime:5'], 10],
    [['a=ptime:25'], 20],
    [['a=ptime:200'], 60],
    [['a=ptime:60', 'a=maxptime:40'], 40],
    [['a=maxptime:150'], 20],
    [['a=ptime:soon'], 20],
  ] as const) {
    test(`${lines.join(' ') || 'no ptime'} -> ${String(ptimeMs)} ms`, () => {
      assert.equal(chosen(offer('m=audio 4000 RTP/AVP 0', ...lines)).ptimeMs, ptimeMs);
    });
  }

  test('RTCP goes to the port above, or where a=rtcp says (RFC 3605)', () => {
    const rtcp = (...lines: readonly string[]): unknown => chosen(offer('m=audio 4000 RTP/AVP 0', ...lines)).rtcp;
    assert.deepEqual(rtcp(), { address: '192.0.2.1', port: 4_001 });
    assert.deepEqual(rtcp('a=rtcp:53020'), { address: '192.0.2.1', port: 53_020 });
    assert.deepEqual(rtcp('a=rtcp:53020 IN IP4 203.0.113.7'), { address: '203.0.113.7', port: 53_020 });
    assert.deepEqual(rtcp('a=rtcp:nowhere'), { address: '192.0.2.1', port: 4_001 });
  });

  test('an IPv6 stream is taken', () => {
    const terms = termsOf(chosen(offer('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::1')));
    assert.deepEqual(terms.remote, { address: '2001:db8::1', port: 4_000 });
  });

  test('rtcp-mux, ICE and crypto lines are passed over and not answered', () => {
    const lines = answered(
      'm=audio 4000 RTP/AVP 0',
      'a=rtcp-mux',
      'a=ice-ufrag:x',
      'a=candidate:1 1 UDP 1 192.0.2.1 4000 typ host',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x',
    );
    assert.equal(lines.length, 4);
  });

  test('no G.711 -> no-common-codec that names what was offered and what is taken', () => {
    const why = refusedWith('m=audio 4000 RTP/AVP 18 101', 'a=rtpmap:101 telephone-event/8000');
    assert.equal(
      why,
      'no-common-codec: offered: audio RTP/AVP G729/8000 (18), telephone-event/8000 (101); taken: audio RTP/AVP PCMU (0) or PCMA (8)',
    );
  });

  test('SRTP alone -> no-common-codec that names the profile', () => {
    assert.match(refusedWith('m=audio 4000 RTP/SAVP 0'), /^no-common-codec: offered: audio RTP\/SAVP PCMU/);
  });

  for (const [name, lines, why] of [
    ['no stream', [], /^offer-unusable: it has no open stream/],
    ['a stream with port 0', ['m=audio 0 RTP/AVP 0'], /^offer-unusable: it has no open stream/],
    ['a host name', ['m=audio 1 RTP/AVP 0', 'c=IN IP4 pbx.example'], /^offer-unusable: the address pbx.example/],
    ['a zone', ['m=audio 1 RTP/AVP 0', 'c=IN IP6 fe80::1%eth0'], /^offer-unusable: the address fe80::1%eth0/],
  ] as const) {
    test(`${name} -> refused`, () => {
      assert.match(refusedWith(...lines), why);
    });
  }

  test('no c= at all -> offer-unusable', () => {
    const stream = chooseAudio(parseSessionDescription('v=0\r\nm=audio 4000 RTP/AVP 0\r\n'));
    assert.ok('code' in stream && stream.code === 'offer-unusable');
  });

  test('any description that parses is answered with as many streams, or refused', () => {
    const media = fc.constantFrom(
      'm=audio 4000 RTP/AVP 0',
      'm=audio 0 RTP/AVP 0',
      'm=audio 4000 RTP/AVP 18 8 999 x',
      'm=video 4000 RTP/AVP 0',
      'm=audio 4000 RTP/SAVP 8',
      'a=rtpmap:0',
      'a=rtpmap:8 /',
      'a=ptime:',
      'a=ptime:-1',
      'a=rtcp:',
      'a=rtcp:99999',
      'c=IN IP6 ::1',
      'c=IN IP4 0.0.0.0',
      'a=inactive',
    );
    fc.assert(
      fc.property(fc.array(media), (lines) => {
        const description = parseSessionDescription(offer(...lines));
        const stream = chooseAudio(description);
        if ('code' in stream) return;
        const answer = parseSessionDescription(formatSessionDescription(answerOffer(description, stream, local)));
        assert.equal(answer.media.length, description.media.length);
        assert.equal(answer.media.filter(({ port }) => port !== 0).length, 1);
        assert.ok([10, 20, 30, 40, 50, 60].includes(stream.ptimeMs));
      }),
    );
  });
});

describe('offer of ours (delayed offer)', () => {
  test('PCMU, PCMA and telephone-event', () => {
    const lines = formatSessionDescription(makeOffer(local)).split('\r\n').slice(5, -1);
    assert.deepEqual(lines, [
      'm=audio 20000 RTP/AVP 0 8 101',
      'a=sendrecv',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
    ]);
  });

  test('an answer with one codec, or with both: the first of the answer is spoken', () => {
    assert.equal(chosen(offer('m=audio 4000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/8000')).law, 'PCMA');
    assert.equal(chosen(offer('m=audio 4000 RTP/AVP 0 8')).law, 'PCMU');
  });

  test('in a dialog with refused streams they keep their places, and the codec in use comes first', () => {
    const description = parseSessionDescription(offer('m=video 5000 RTP/AVP 96', 'm=audio 4000 RTP/AVP 8 96', 'a=rtpmap:96 telephone-event/8000')); // prettier-ignore
    const stream = chooseAudio(description);
    assert.ok('law' in stream);
    const before = answerOffer(description, stream, local);
    const again = makeOffer({ ...local, sessionVersion: 1 }, { description: before, terms: termsOf(stream) });
    assert.deepEqual(
      again.media.map(({ media, port, formats }) => [media, port, formats]),
      [
        ['video', 0, ['96']],
        ['audio', 20_000, ['8', '0', '96']],
      ],
    );
  });
});
