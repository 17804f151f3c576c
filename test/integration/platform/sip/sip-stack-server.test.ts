import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { headerOf, requestText } from './raw-peer.js';
import { StackScene } from './stack-scene.js';

const branchOf = (text: string): string | undefined => /branch=([^;\s]+)/.exec(headerOf(text, 'Via') ?? '')?.[1];
const tagOf = (text: string): string | undefined => /;tag=(\S+)/.exec(headerOf(text, 'To') ?? '')?.[1];

describe('SipStack as a server', () => {
  let scene: StackScene;

  beforeEach(async () => {
    scene = await StackScene.start(ownLoopbackAddress(3));
  });

  afterEach(async () => {
    await scene.dispose();
  });

  test('INVITE: 100 at once without tag, 180 and 200 of the user in the same write, ACK to the user', async () => {
    const { user } = scene;
    user.answer = (transaction) => {
      if (transaction.request.method !== 'INVITE') return;
      transaction.respond({ status: 180, toTag: 'ours' });
      transaction.respond({ status: 200, toTag: 'ours' });
    };
    const peer = await scene.peer();
    peer.send(requestText());
    const [trying, ok] = [await peer.message(0), await peer.message(2)];
    assert.deepEqual(peer.statuses, [100, 180, 200]);
    assert.equal(peer.reads, 1);
    assert.equal(tagOf(trying), undefined);
    assert.equal(tagOf(ok), 'ours');
    assert.match(headerOf(ok, 'Server') ?? '', /^OpenUM\//);
    peer.send(requestText({ method: 'ACK', branch: 'z9hG4bK-of-its-own', toTag: 'ours' }));
    peer.send(requestText({ method: 'BYE', cseq: 2, toTag: 'ours' }));
    await scene.quiet();
    assert.deepEqual(
      user.acks.map(({ toTag }) => toTag),
      ['ours'],
    );
    assert.equal(scene.stack.transactionCount, 2);
    await scene.time.pass(32_000);
    assert.equal(scene.stack.transactionCount, 1);
    user.requests[1]?.respond({ status: 200 });
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('an INVITE again over TCP is absorbed in every state, and answered with what was said last', async () => {
    const { user } = scene;
    const peer = await scene.peer();
    peer.send(requestText());
    await peer.message(0);
    peer.send(requestText());
    await peer.message(1);
    assert.deepEqual(peer.statuses, [100, 100]);
    user.first.respond({ status: 180 });
    peer.send(requestText());
    await peer.message(3);
    assert.deepEqual(peer.statuses, [100, 100, 180, 180]);
    user.first.respond({ status: 200 });
    peer.send(requestText() + requestText({ method: 'OPTIONS', callId: 'marker' }));
    await scene.quiet();
    assert.deepEqual(peer.statuses, [100, 100, 180, 180, 200]);
    assert.deepEqual(
      user.requests.map(({ request }) => request.method),
      ['INVITE', 'OPTIONS'],
    );
  });

  test('a refused INVITE is forgotten at its ACK, which is not for the user', async () => {
    const { user, stack } = scene;
    user.answer = (transaction) => {
      transaction.respond({ status: 486 });
    };
    const peer = await scene.peer();
    peer.send(requestText());
    const busy = await peer.message(1);
    assert.equal(stack.transactionCount, 1);
    peer.send(requestText({ method: 'ACK', toTag: tagOf(busy) ?? '', branch: branchOf(busy) ?? '' }));
    peer.send(requestText({ method: 'OPTIONS', callId: 'marker' }));
    await scene.quiet();
    assert.equal(user.acks.length, 0);
    assert.equal(user.requests.length, 2);
    assert.equal(stack.transactionCount, 0);
  });

  test('a refused INVITE that nobody acknowledges is forgotten after 32 s', async () => {
    const peer = await scene.peer();
    peer.send(requestText());
    await peer.message(0);
    scene.user.first.respond({ status: 404 });
    await scene.time.pass(32_000);
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('after a final response further ones are ignored', async () => {
    const peer = await scene.peer();
    peer.send(requestText() + requestText({ method: 'BYE', callId: 'bye', toTag: 'x' }));
    await peer.message(0);
    const [invite, bye] = scene.user.requests;
    invite?.respond({ status: 404 });
    invite?.respond({ status: 200 });
    bye?.respond({ status: 481 });
    bye?.respond({ status: 200 });
    await scene.quiet();
    assert.deepEqual(peer.statuses, [100, 404, 481]);
  });

  test('a 2xx that the user repeats goes out again on the flow of the INVITE', async () => {
    const peer = await scene.peer();
    peer.send(requestText());
    await peer.message(0);
    const invite = scene.user.first;
    invite.respond({ status: 200, toTag: 'ours' });
    const ok = await peer.message(1);
    scene.stack.repeat(invite, ok);
    assert.equal(await peer.message(2), ok);
  });

  test('a connection closed before the response: it goes over a new connection to the port of the Via', async () => {
    const { user, address } = scene;
    const pbx = await scene.server(ownLoopbackAddress(4));
    const { end } = pbx;
    const near = await scene.server(address);
    assert.notEqual(end.port, near.end.port);
    const peer = await scene.peer();
    // The peer calls from 127.0.0.1, and so is sought there: whatever address its Via says.
    const listening = await scene.server('127.0.0.1');
    peer.send(requestText({ sentBy: `pbx.example:${String(listening.end.port)}` }));
    await peer.message(0);
    peer.socket.destroy();
    await scene.quiet();
    user.first.respond({ status: 180 });
    user.first.respond({ status: 200, toTag: 'ours' });
    const again = await listening.peer(0);
    await again.message(1);
    assert.deepEqual(again.statuses, [180, 200]);
    assert.equal(listening.peers.length, 1);
    assert.equal(near.peers.length + pbx.peers.length, 0);
  });

  test('a response that can go nowhere is logged, and its transaction stays until its time', async () => {
    const { user, log, stack } = scene;
    const gone = await scene.server('127.0.0.1');
    const { port } = gone.end;
    gone.close();
    const peer = await scene.peer();
    peer.send(requestText({ sentBy: `pbx.example:${String(port)}` }));
    await peer.message(0);
    peer.socket.destroy();
    await scene.quiet();
    user.first.respond({ status: 200 });
    await log.logged('send-failed');
    assert.equal(stack.transactionCount, 1);
    await scene.time.pass(32_000);
    assert.equal(stack.transactionCount, 0);
  });

  test('CANCEL: 200 with the tag of the INVITE, then 487 of the user', async () => {
    const { user } = scene;
    const peer = await scene.peer();
    peer.send(requestText());
    await peer.message(0);
    user.first.respond({ status: 180, toTag: 'ours' });
    peer.send(requestText({ method: 'CANCEL', branch: branchOf(requestText()) ?? '' }));
    const terminated = await peer.message(3);
    assert.deepEqual(peer.statuses, [100, 180, 200, 487]);
    assert.equal(tagOf(await peer.message(2)), 'ours');
    assert.equal(tagOf(terminated), 'ours');
    assert.equal(headerOf(await peer.message(2), 'CSeq'), '1 CANCEL');
    assert.deepEqual(user.cancels, [user.first]);
  });

  test('CANCEL before any tag was given: both responses have the same one', async () => {
    const peer = await scene.peer();
    peer.send(requestText() + requestText({ method: 'CANCEL', branch: branchOf(requestText()) ?? '' }));
    const terminated = await peer.message(2);
    assert.deepEqual(peer.statuses, [100, 200, 487]);
    assert.notEqual(tagOf(terminated), undefined);
    assert.equal(tagOf(await peer.message(1)), tagOf(terminated));
  });

  test('CANCEL that crosses the 200: answered with 200, and the call stays', async () => {
    const { user } = scene;
    user.answer = (transaction) => {
      transaction.respond({ status: 200, toTag: 'ours' });
    };
    const peer = await scene.peer();
    peer.send(requestText() + requestText({ method: 'CANCEL', branch: branchOf(requestText()) ?? '' }));
    await peer.message(2);
    await scene.quiet();
    assert.deepEqual(peer.statuses, [100, 200, 200]);
    assert.equal(user.cancels.length, 0);
  });

  test('CANCEL of nothing: 481', async () => {
    const peer = await scene.peer();
    peer.send(requestText({ method: 'CANCEL' }));
    assert.match(await peer.message(0), /^SIP\/2\.0 481 /);
    assert.equal(scene.user.requests.length, 0);
  });

  test('the same call by two ways: the second copy gets 482', async () => {
    const peer = await scene.peer();
    peer.send(requestText({ branch: 'z9hG4bKone' }) + requestText({ branch: 'z9hG4bKtwo' }));
    await peer.message(1);
    assert.deepEqual(peer.statuses, [100, 482]);
    assert.equal(scene.user.requests.length, 1);
  });

  test('a transaction that is over does not make a later call a copy of it', async () => {
    const peer = await scene.peer();
    scene.user.answer = (transaction) => {
      transaction.respond({ status: 503 });
    };
    peer.send(requestText({ branch: 'z9hG4bKone' }));
    await peer.message(1);
    peer.send(requestText({ method: 'ACK', branch: 'z9hG4bKone', toTag: 'x' }));
    peer.send(requestText({ branch: 'z9hG4bKtwo' }));
    await peer.message(3);
    assert.deepEqual(peer.statuses, [100, 503, 100, 503]);
  });

  test('Max-Forwards 0: it has arrived, and is for the user', async () => {
    const peer = await scene.peer();
    const extra = ['Max-Forwards: 0'];
    scene.user.answer = (transaction) => {
      transaction.respond({ status: 200 });
    };
    peer.send(requestText({ extra, callId: 'a' }) + requestText({ method: 'OPTIONS', extra, callId: 'b' }));
    await peer.message(1);
    assert.deepEqual(peer.statuses, [100, 200, 200]);
  });

  test('Require of what we do not have: 420 with Unsupported', async () => {
    const peer = await scene.peer();
    peer.send(requestText({ extra: ['Require: 100rel, histinfo', 'Require: x-new'] }));
    const refused = await peer.message(0);
    assert.match(refused, /^SIP\/2\.0 420 /);
    assert.equal(headerOf(refused, 'Unsupported'), '100rel, x-new');
    peer.send(requestText({ method: 'ACK', toTag: 'theirs', extra: ['Require: 100rel'] }));
    await scene.quiet();
    assert.equal(scene.user.acks.length, 1);
  });

  test('a user that throws: 500, logged, and the stack goes on', async () => {
    const { user, log } = scene;
    user.answer = ({ request }) => {
      if (request.callId === 'bad') throw new Error('a bug of ours');
    };
    const peer = await scene.peer();
    peer.send(requestText({ callId: 'bad' }) + requestText({ callId: 'good' }));
    await peer.message(2);
    assert.deepEqual(peer.statuses, [100, 500, 100]);
    assert.equal(log.of('internal-fault').length, 1);
  });

  test('a user that throws at ACK or CANCEL ends nothing', async () => {
    const { user, log } = scene;
    user.onAck = () => {
      throw new Error('a bug of ours');
    };
    user.answerCancel = () => {
      throw new Error('another');
    };
    const peer = await scene.peer();
    peer.send(requestText({ method: 'ACK', toTag: 'x' }) + requestText());
    peer.send(requestText({ method: 'CANCEL', branch: branchOf(requestText()) ?? '' }));
    await peer.message(1);
    assert.deepEqual(peer.statuses, [100, 200]);
    assert.equal(log.of('internal-fault').length, 2);
  });

  test('a request that is not answered for 3.5 s gets 100 (RFC 4320)', async () => {
    const peer = await scene.peer();
    peer.send(requestText({ method: 'BYE', toTag: 'ours' }));
    await scene.quiet();
    await scene.time.pass(3_499);
    assert.equal(peer.text, '');
    await scene.time.pass(1);
    await peer.message(0);
    scene.user.first.respond({ status: 200 });
    await peer.message(1);
    assert.deepEqual(peer.statuses, [100, 200]);
    assert.equal(scene.stack.transactionCount, 0);
  });
});

/** Requests that are framed well and cannot be taken; the status that says so. */
const MALFORMED: readonly (readonly [what: string, status: number, text: string])[] = [
  ['no Via', 400, requestText().replace(/^Via.*\r\n/m, '')],
  ['a Via without host', 400, requestText().replace(/^Via.*$/m, 'Via: SIP/2.0/TCP')],
  ['no From', 400, requestText().replace(/^From.*\r\n/m, '')],
  ['two From', 400, requestText().replace(/^(From.*\r\n)/m, '$1$1')],
  ['a From that is no address', 400, requestText().replace(/^From.*$/m, 'From: <sip:5551234')],
  ['no To', 400, requestText().replace(/^To.*\r\n/m, '')],
  ['two To', 400, requestText().replace(/^(To.*\r\n)/m, '$1$1')],
  ['no Call-ID', 400, requestText().replace(/^Call-ID.*\r\n/m, '')],
  ['two Call-ID', 400, requestText().replace(/^(Call-ID.*\r\n)/m, '$1$1')],
  ['an empty Call-ID', 400, requestText().replace(/^Call-ID.*$/m, 'Call-ID:')],
  ['no CSeq', 400, requestText().replace(/^CSeq.*\r\n/m, '')],
  ['a CSeq without number', 400, requestText().replace(/^CSeq.*$/m, 'CSeq: INVITE')],
  ['a CSeq of another method', 400, requestText().replace(/^CSeq.*$/m, 'CSeq: 1 BYE')],
  ['a CSeq above 2^31', 400, requestText().replace(/^CSeq.*$/m, 'CSeq: 2147483648 INVITE')],
  ['a Max-Forwards that is no number', 400, requestText({ extra: ['Max-Forwards: many'] })],
  ['a line that is no header', 400, requestText({ extra: ['this is no header'] })],
  ['an unclosed quote', 400, requestText().replace(/^To.*$/m, 'To: "Ann <sip:1000@um.example>')],
  ['another version', 505, requestText().replace(' SIP/2.0\r\n', ' SIP/7.0\r\n')],
  ['a Request-URI of another scheme', 416, requestText().replace(/^INVITE \S+/, 'INVITE http://um.example')],
  ['a Request-URI without host', 400, requestText().replace(/^INVITE \S+/, 'INVITE sip:1000@')],
];

describe('SipStack and messages that break the grammar', () => {
  for (const [what, status, text] of MALFORMED) {
    test(`${what}: ${String(status)}, a log line, and the server goes on`, async () => {
      const scene = await StackScene.start(ownLoopbackAddress(5));
      try {
        scene.user.answer = (transaction) => {
          transaction.respond({ status: 200 });
        };
        const peer = await scene.peer();
        peer.send(text + requestText({ method: 'OPTIONS', callId: 'marker' }));
        const refused = await peer.message(0);
        await peer.message(1);
        assert.deepEqual(peer.statuses, [status, 200]);
        assert.match(headerOf(refused, 'ms-diagnostics') ?? '', /^15\d{3};source="um\.example";reason="/);
        const [line] = scene.log.of('message-refused');
        assert.ok(line);
        assert.match(String(line['peer']), /^127\.0\.0\.1:\d+$/);
        assert.equal(typeof line['code'], 'string');
        assert.notEqual(line['detail'], '');
        assert.equal(scene.user.requests.length, 1);
        assert.equal(scene.stack.transactionCount, 0);
      } finally {
        await scene.dispose();
      }
    });
  }

  test('responses and ACK that break it are logged, not answered', async () => {
    const scene = await StackScene.start(ownLoopbackAddress(5));
    try {
      const peer = await scene.peer();
      peer.send('SIP/2.0 200 OK\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n');
      peer.send(requestText({ method: 'ACK' }).replace(/^CSeq.*\r\n/m, ''));
      await scene.log.logged('message-refused', 2);
      await scene.quiet();
      assert.equal(peer.text, '');
    } finally {
      await scene.dispose();
    }
  });
});
