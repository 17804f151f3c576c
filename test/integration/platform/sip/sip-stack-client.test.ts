import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { headerOf, type RawServer, requestText, responseText } from './raw-peer.js';
import { Outcome, partsOf, routeTo, StackScene } from './stack-scene.js';

const branchOf = (text: string): string | undefined => /branch=([^;\s]+)/.exec(headerOf(text, 'Via') ?? '')?.[1];
const methodOf = (text: string): string => text.split(' ')[0] ?? '';

describe('SipStack as a client', () => {
  let scene: StackScene;
  let pbx: RawServer;

  beforeEach(async () => {
    scene = await StackScene.start(ownLoopbackAddress(6));
    pbx = await scene.server(ownLoopbackAddress(7));
  });

  afterEach(async () => {
    await scene.dispose();
  });

  test('BYE over a new connection: Via names our address and the port listened on', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('BYE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    const far = await pbx.peer(0);
    const bye = await far.message(0);
    const { address, port } = scene.end;
    assert.equal(headerOf(bye, 'Via')?.split(';')[0], `SIP/2.0/TCP ${address}:${String(port)}`);
    assert.match(branchOf(bye) ?? '', /^z9hG4bK[0-9a-f]{20}$/);
    far.send(responseText(bye, 200));
    await outcome.told(1);
    assert.equal(outcome.finals[0]?.status, 200);
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('sentBy of the options overrides the Via', async () => {
    const own = await StackScene.start(ownLoopbackAddress(6), { sentBy: () => 'um.example:5065' });
    try {
      own.stack.send(partsOf('BYE', pbx.end, 'c1'), routeTo(pbx.end), new Outcome());
      const bye = await (await pbx.peer(0)).message(0);
      assert.match(headerOf(bye, 'Via') ?? '', /^SIP\/2\.0\/TCP um\.example:5065;branch=/);
    } finally {
      await own.dispose();
    }
  });

  test('requests to one destination that come at once share one connection, in order', async () => {
    for (const callId of ['a', 'b', 'c']) {
      scene.stack.send(partsOf('BYE', pbx.end, callId), routeTo(pbx.end), new Outcome());
    }
    const far = await pbx.peer(0);
    await far.message(2);
    assert.deepEqual(
      far.messages.map((text) => headerOf(text, 'Call-ID')),
      ['a', 'b', 'c'],
    );
    scene.stack.send(partsOf('BYE', pbx.end, 'd'), routeTo(pbx.end), new Outcome());
    await far.message(3);
    assert.equal(pbx.peers.length, 1);
  });

  test('the preferred flow is used while it is open, then the destination', async () => {
    const gateway = await scene.peer();
    gateway.send(requestText({ method: 'OPTIONS' }));
    await scene.quiet();
    const { flow } = scene.user.first;
    scene.stack.send(partsOf('BYE', pbx.end, 'first'), routeTo(pbx.end, flow.id), new Outcome());
    assert.equal(headerOf(await gateway.message(0), 'Call-ID'), 'first');
    gateway.socket.destroy();
    await scene.quiet();
    scene.stack.send(partsOf('BYE', pbx.end, 'second'), routeTo(pbx.end, flow.id), new Outcome());
    const far = await pbx.peer(0);
    await far.message(1);
    // The first one was in flight when its connection closed, so it is sent again as well.
    assert.deepEqual(far.messages.map((text) => headerOf(text, 'Call-ID')).toSorted(), ['first', 'second']);
  });

  test('INVITE: provisional responses, then a refusal that is acknowledged with the same branch', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('INVITE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    const far = await pbx.peer(0);
    const invite = await far.message(0);
    far.send(responseText(invite, 100) + responseText(invite, 180) + responseText(invite, 486));
    const ack = await far.message(1);
    assert.equal(methodOf(ack), 'ACK');
    assert.equal(branchOf(ack), branchOf(invite));
    assert.equal(headerOf(ack, 'Via'), headerOf(invite, 'Via'));
    assert.equal(headerOf(ack, 'CSeq'), '7 ACK');
    assert.equal(headerOf(ack, 'To'), '<sip:peer@pbx.example>;tag=peer-1');
    assert.deepEqual(outcome.provisionals, [100, 180]);
    assert.deepEqual(
      outcome.finals.map(({ status }) => status),
      [486],
    );
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('INVITE answered by two branches of a fork: final is told of each 2xx, for 32 s', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('INVITE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    const far = await pbx.peer(0);
    const invite = await far.message(0);
    far.send(responseText(invite, 200, 'one') + responseText(invite, 200, 'two'));
    await outcome.told(2);
    assert.deepEqual(
      outcome.finals.map(({ toTag }) => toTag),
      ['one', 'two'],
    );
    await scene.time.pass(32_000);
    assert.equal(scene.stack.transactionCount, 0);
    far.send(responseText(invite, 200, 'three'));
    await scene.log.logged('stray-response');
    assert.equal(outcome.finals.length, 2);
  });

  test('ACK of a 2xx has a branch of its own and waits for no response', async () => {
    scene.stack.sendAck(partsOf('ACK', pbx.end, 'c1'), routeTo(pbx.end));
    const far = await pbx.peer(0);
    assert.equal(methodOf(await far.message(0)), 'ACK');
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('cancel before a provisional response waits for one; then CANCEL has the branch of the INVITE', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('INVITE', pbx.end, 'c1'), routeTo(pbx.end), outcome).cancel();
    const far = await pbx.peer(0);
    const invite = await far.message(0);
    await scene.quiet();
    assert.equal(far.messages.length, 1);
    far.send(responseText(invite, 180));
    const cancel = await far.message(1);
    assert.equal(methodOf(cancel), 'CANCEL');
    assert.equal(headerOf(cancel, 'Via'), headerOf(invite, 'Via'));
    assert.equal(headerOf(cancel, 'CSeq'), '7 CANCEL');
    far.send(responseText(cancel, 200) + responseText(invite, 487));
    assert.equal(methodOf(await far.message(2)), 'ACK');
    assert.equal(outcome.finals[0]?.status, 487);
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('cancel that crosses a 200: the 200 is told', async () => {
    const outcome = new Outcome();
    const outgoing = scene.stack.send(partsOf('INVITE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    const far = await pbx.peer(0);
    const invite = await far.message(0);
    far.send(responseText(invite, 180));
    await outcome.told(1);
    outgoing.cancel();
    far.send(responseText(invite, 200));
    await outcome.told(2);
    assert.equal(outcome.finals[0]?.status, 200);
    far.send(responseText(await far.message(1), 481));
    outgoing.cancel();
    await scene.quiet();
    assert.equal(far.messages.length, 2);
  });

  test('a connection that closes before any response: the request is sent once more on a new one', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('BYE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    const first = await pbx.peer(0);
    const bye = await first.message(0);
    first.socket.destroy();
    const second = await pbx.peer(1);
    assert.equal(await second.message(0), bye);
    second.socket.destroy();
    await outcome.told(1);
    assert.deepEqual(outcome.failures, ['transport']);
    await scene.quiet();
    assert.equal(pbx.peers.length, 2);
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('a connection that closes after a provisional response ends nothing; the final one comes by another', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('INVITE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    const far = await pbx.peer(0);
    const invite = await far.message(0);
    far.send(responseText(invite, 180));
    await outcome.told(1);
    far.socket.destroy();
    await scene.quiet();
    assert.equal(pbx.peers.length, 1);
    const other = await scene.peer();
    other.send(responseText(invite, 486));
    await outcome.told(2);
    assert.equal(outcome.finals[0]?.status, 486);
    // RFC 3261 §17.1.1.2: the ACK goes where the INVITE went.
    assert.equal(methodOf(await (await pbx.peer(1)).message(0)), 'ACK');
  });

  test('a peer that cannot be reached: failed, once, and never within the call that sends', async () => {
    const { end } = pbx;
    pbx.close();
    await scene.quiet();
    for (const method of ['INVITE', 'BYE']) {
      const outcome = new Outcome();
      scene.stack.send(partsOf(method, end, method), routeTo(end), outcome);
      assert.deepEqual(outcome.failures, []);
      await outcome.told(1);
      assert.deepEqual(outcome.failures, ['transport']);
    }
    assert.equal(scene.stack.transactionCount, 0);
    assert.equal(scene.log.of('send-failed').length, 2);
  });

  test('a peer that never answers: failed after 32 s', async () => {
    const outcomes = ['INVITE', 'BYE'].map((method) => {
      const outcome = new Outcome();
      scene.stack.send(partsOf(method, pbx.end, method), routeTo(pbx.end), outcome);
      return outcome;
    });
    await (await pbx.peer(0)).message(1);
    await scene.time.pass(31_999);
    assert.deepEqual(
      outcomes.map(({ failures }) => failures),
      [[], []],
    );
    await scene.time.pass(1);
    assert.deepEqual(
      outcomes.map(({ failures }) => failures),
      [['timeout'], ['timeout']],
    );
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('a request by TLS is never sent in clear', async () => {
    const outcome = new Outcome();
    const route = { ...routeTo(pbx.end), transport: 'tls' as const };
    scene.stack.send(partsOf('BYE', pbx.end, 'c1'), route, outcome);
    await outcome.told(1);
    assert.deepEqual(outcome.failures, ['transport']);
    assert.equal(pbx.peers.length, 0);
  });

  test('a listener that throws ends nothing', async () => {
    scene.stack.send(partsOf('BYE', pbx.end, 'c1'), routeTo(pbx.end), {
      final: () => {
        throw new Error('a bug of ours');
      },
      failed: () => undefined,
    });
    const far = await pbx.peer(0);
    far.send(responseText(await far.message(0), 200));
    await scene.log.logged('internal-fault');
    assert.equal(scene.stack.transactionCount, 0);
  });

  test('closing the stack tells those who wait', async () => {
    const outcome = new Outcome();
    scene.stack.send(partsOf('INVITE', pbx.end, 'c1'), routeTo(pbx.end), outcome);
    await (await pbx.peer(0)).message(0);
    await scene.stack.close();
    assert.deepEqual(outcome.failures, ['transport']);
  });
});
