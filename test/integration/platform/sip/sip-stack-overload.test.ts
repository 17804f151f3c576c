import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { headerOf, type RawPeer, requestText } from './raw-peer.js';
import { StackScene } from './stack-scene.js';

const MOST = 20;
/** Each of the two parts above the limit: 5%. */
const PART = 1;

const invites = (from: number, count: number): string =>
  Array.from({ length: count }, (_, k) => requestText({ callId: `call-${String(from + k)}` })).join('');

const bye = (callId: string): string => requestText({ method: 'BYE', cseq: 2, callId, toTag: 'ours' });

describe('SipStack and more requests than it keeps (threat: INVITEs that are never acknowledged)', () => {
  let scene: StackScene;
  let stranger: RawPeer;

  /** Statuses that the peer got for what it sends now, 100 left out. */
  async function answersTo(peer: RawPeer, text: string, count: number): Promise<readonly number[]> {
    const finals = (): readonly number[] => peer.statuses.filter((status) => status >= 200);
    const before = finals().length;
    peer.send(text);
    await peer.until(() => finals().length >= before + count);
    return finals().slice(before);
  }

  beforeEach(async () => {
    scene = await StackScene.start(ownLoopbackAddress(7), { maxServerTransactions: MOST });
    scene.user.answer = (transaction) => {
      transaction.respond({ status: transaction.request.method === 'BYE' ? 200 : 403 });
    };
    stranger = await scene.peer();
  });

  afterEach(async () => {
    await scene.dispose();
  });

  test('above the limit: 503 with Retry-After and ms-diagnostics, without transaction, user and 100', async () => {
    assert.deepEqual(await answersTo(stranger, invites(0, MOST), MOST), Array<number>(MOST).fill(403));
    const heard = stranger.messages.length;
    assert.deepEqual(await answersTo(stranger, invites(MOST, 100), 100), Array<number>(100).fill(503));
    assert.equal(scene.stack.transactionCount, MOST);
    assert.equal(scene.user.requests.length, MOST);
    assert.equal(stranger.messages.length, heard + 100);
    const refused = await stranger.message(heard);
    assert.equal(headerOf(refused, 'Retry-After'), '5');
    assert.match(headerOf(refused, 'ms-diagnostics') ?? '', /^15030;source="um\.example";reason="/);
    assert.match(headerOf(refused, 'To') ?? '', /;tag=/);
  });

  test('one line in the log for all of them, that names the busiest peer, and one when it is over', async () => {
    const gateway = await scene.peer();
    await answersTo(stranger, invites(0, MOST + 100), MOST + 100);
    await answersTo(gateway, invites(500, 1), 1);
    const [line, ...more] = scene.log.lines.filter(({ level }) => level === 'warn');
    assert.ok(line);
    assert.deepEqual(more, []);
    assert.deepEqual(line.facts, {
      event: 'overload-begins',
      code: 'overloaded',
      status: 503,
      limit: MOST,
      busiestPeer: '127.0.0.1',
      count: MOST,
    });
    await scene.time.pass(32_000);
    assert.deepEqual(scene.log.of('overload-ends'), [{ event: 'overload-ends', code: 'overloaded', refusals: 101 }]);
  });

  test('the ACK of such a 503 is absorbed', async () => {
    await answersTo(stranger, invites(0, MOST + 1), MOST + 1);
    const heard = stranger.messages.length;
    const last = `call-${String(MOST)}`;
    stranger.send(requestText({ method: 'ACK', callId: last, toTag: 'x' }));
    await answersTo(stranger, bye('marker'), 1);
    assert.equal(stranger.messages.length, heard + 1);
    assert.equal(scene.stack.transactionCount, MOST);
  });

  test('requests repeated, ACKs and CANCELs of INVITEs that are kept find them', async () => {
    scene.user.answer = () => undefined;
    const gateway = await scene.peer();
    gateway.send(requestText({ callId: 'ours' }));
    await gateway.message(0);
    stranger.send(invites(1, MOST));
    assert.deepEqual(await answersTo(gateway, requestText({ method: 'CANCEL', callId: 'ours' }), 2), [200, 487]);
    gateway.send(requestText({ callId: 'ours' }));
    await gateway.message(3);
    assert.equal(gateway.statuses.at(-1), 487);
    gateway.send(requestText({ method: 'ACK', callId: 'ours', toTag: 'x' }));
    assert.deepEqual(await answersTo(gateway, bye('marker'), 0), []);
    await scene.quiet();
    assert.equal(scene.user.requests.at(-1)?.request.method, 'BYE');
    scene.user.requests.at(-1)?.respond({ status: 200 });
    assert.equal(scene.stack.transactionCount, MOST - 1);
  });

  test('callers hang up, and re-INVITEs are taken, while strangers fill the rest', async () => {
    const gateway = await scene.peer();
    await answersTo(stranger, invites(0, MOST + 5), MOST + 5);
    const reInvite = requestText({ callId: 'ours', cseq: 2, toTag: 'ours' });
    assert.deepEqual(await answersTo(gateway, reInvite, 1), [403]);
    for (let call = 0; call < 50; call += 1) {
      assert.deepEqual(await answersTo(gateway, bye(`call-${String(call)}`), 1), [200]);
    }
  });

  test('INVITEs with a To tag that somebody made up do not keep callers from hanging up', async () => {
    const gateway = await scene.peer();
    const madeUp = Array.from({ length: 10 }, (_, k) => requestText({ callId: `made-up-${String(k)}`, toTag: 'x' }));
    await answersTo(stranger, invites(0, MOST), MOST);
    const answers = await answersTo(stranger, madeUp.join(''), 10);
    assert.equal(answers.filter((status) => status === 503).length, 10 - PART);
    assert.equal(scene.stack.transactionCount, MOST + PART);
    assert.deepEqual(await answersTo(gateway, bye('ours'), 1), [200]);
  });

  test('INVITEs are taken again as soon as one is forgotten', async () => {
    await answersTo(stranger, invites(0, MOST), MOST);
    stranger.send(requestText({ method: 'ACK', callId: 'call-0', toTag: 'x' }));
    assert.deepEqual(await answersTo(stranger, invites(MOST, 2), 2), [403, 503]);
  });
});
