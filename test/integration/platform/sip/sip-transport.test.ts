import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { openConnection } from '../../../../src/platform/sip/connect.js';
import { SipTransport, type SipReceiver } from '../../../../src/platform/sip/sip-transport.js';
import type { Flow, HostPort } from '../../../../src/protocol/sip/flow.js';
import type { SipMessage } from '../../../../src/protocol/sip/message.js';
import { formatResponse } from '../../../../src/protocol/sip/response.js';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { settled, VirtualTime } from '../../../support/virtual-time.js';
import { headerOf, KeptLog, RawPeer, RawServer, requestText } from './raw-peer.js';

const address = ownLoopbackAddress(0);

/** Answers every request with 200, unless told otherwise. */
class Answerer implements SipReceiver {
  readonly messages: SipMessage[] = [];
  readonly faults: string[] = [];
  readonly closed: Flow[] = [];
  transport: SipTransport | undefined;
  throwsAt: string | undefined;
  lastFlow: Flow | undefined;

  onMessage(message: SipMessage, flow: Flow): void {
    this.messages.push(message);
    this.lastFlow = flow;
    if (message.kind === 'response') return;
    if (message.callId === this.throwsAt) throw new Error('a bug of ours');
    this.transport?.send(flow.id, formatResponse(message, { status: 200, toTag: 'ours' }, flow.peer));
  }

  onFault(code: string): void {
    this.faults.push(code);
  }

  onFlowClosed(flow: Flow): void {
    this.closed.push(flow);
  }
}

describe('SipTransport', () => {
  let time: VirtualTime;
  let log: KeptLog;
  let receiver: Answerer;
  let transport: SipTransport;
  let end: HostPort;
  const peers: RawPeer[] = [];

  function makeTransport(maxConnections?: number): SipTransport {
    const made = new SipTransport({
      log,
      timers: time,
      clock: time,
      receiver,
      serverName: 'um.example',
      ...(maxConnections === undefined ? {} : { maxConnections }),
    });
    receiver.transport = made;
    return made;
  }

  async function open(to = end): Promise<RawPeer> {
    const peer = await RawPeer.open(to);
    peers.push(peer);
    return peer;
  }

  /** A peer of which the transport has handled one request. */
  async function openAndKnown(): Promise<{ readonly peer: RawPeer; readonly flow: Flow }> {
    const peer = await open();
    peer.send(requestText({ method: 'OPTIONS', callId: `known-${String(peers.length)}` }));
    await peer.message(0);
    const flow = receiver.lastFlow;
    assert.ok(flow);
    return { peer, flow };
  }

  beforeEach(async () => {
    time = new VirtualTime();
    log = new KeptLog();
    receiver = new Answerer();
    transport = makeTransport();
    end = await transport.listen(address, 0);
  });

  afterEach(async () => {
    for (const { socket } of peers.splice(0)) socket.destroy();
    await transport.close();
    assert.equal(transport.flowCount, 0);
    assert.equal(time.waiting, 0);
  });

  test('one byte a read', async () => {
    const peer = await open();
    for (const byte of requestText({ method: 'OPTIONS', body: 'v=0\r\n' })) {
      peer.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await peer.message(0), /^SIP\/2\.0 200 /);
    assert.equal(receiver.messages[0]?.body, 'v=0\r\n');
  });

  test('many messages in one read are answered in order by few writes', async () => {
    const peer = await open();
    const ids = Array.from({ length: 40 }, (_, index) => `many-${String(index)}`);
    peer.send(ids.map((callId) => requestText({ method: 'OPTIONS', callId })).join(''));
    await peer.message(39);
    assert.deepEqual(
      peer.messages.map((text) => headerOf(text, 'Call-ID')),
      ids,
    );
    assert.ok(peer.reads <= 3, `${String(peer.reads)} reads`);
  });

  test('bytes above 127 pass as they are', async () => {
    const peer = await open();
    peer.send(requestText({ method: 'OPTIONS', callId: 'caf\u00c3\u00a9@pbx' }));
    assert.equal(headerOf(await peer.message(0), 'Call-ID'), 'caf\u00c3\u00a9@pbx');
  });

  test('a keep-alive ping is answered with CRLF (RFC 5626 §4.4.1)', async () => {
    const peer = await open();
    peer.send('\r\n\r\n');
    await peer.until(() => peer.text === '\r\n');
    assert.equal(receiver.messages.length, 0);
  });

  test('threat: a peer that sends half a message and stalls is closed after sipUnfinishedMessageMs', async () => {
    const { peer, flow } = await openAndKnown();
    const half = requestText({ method: 'OPTIONS', callId: 'half' }).slice(0, 60);
    peer.send(requestText({ method: 'OPTIONS', callId: 'before' }) + half);
    await peer.message(1);
    await time.pass(LIMITS.sipUnfinishedMessageMs - 5_000);
    assert.notEqual(transport.flow(flow.id), undefined);
    await time.pass(10_000);
    await peer.closed();
    assert.equal(log.of('message-unfinished').length, 1);
  });

  test('a half message that is finished in time is a message', async () => {
    const { peer, flow } = await openAndKnown();
    const text = requestText({ method: 'OPTIONS', callId: 'slow' });
    peer.send(text.slice(0, 60));
    await settled();
    await time.pass(LIMITS.sipUnfinishedMessageMs - 5_000);
    peer.send(text.slice(60));
    await peer.message(1);
    await time.pass(LIMITS.sipUnfinishedMessageMs * 2);
    assert.notEqual(transport.flow(flow.id), undefined);
  });

  test('threat: a peer that never reads is closed beyond sipUnsentBytes', async () => {
    const { peer, flow } = await openAndKnown();
    peer.socket.pause();
    const filler = 'x'.repeat(LIMITS.sipUnsentBytes / 4);
    let sent = 0;
    while (transport.send(flow.id, filler) && sent < 1_000) sent += 1;
    assert.ok(sent < 1_000);
    assert.equal(log.of('peer-not-reading').length, 1);
    assert.equal(transport.flow(flow.id), undefined);
    peer.socket.resume();
    await peer.closed();
  });

  test('threat: connections above the limit (sipConnections) are closed at once, the others go on', async () => {
    const small = makeTransport(2);
    const smallEnd = await small.listen(address, 0);
    const [first, second] = [await open(smallEnd), await open(smallEnd)];
    first.send(requestText({ method: 'OPTIONS', callId: 'first' }));
    second.send(requestText({ method: 'OPTIONS', callId: 'second' }));
    await Promise.all([first.message(0), second.message(0)]);
    const surplus = await Promise.all(Array.from({ length: 5 }, () => open(smallEnd)));
    await Promise.all(surplus.map((peer) => peer.closed()));
    assert.deepEqual(log.of('connections-exhausted'), [{ event: 'connections-exhausted', limit: 2, times: 1 }]);
    first.send(requestText({ method: 'OPTIONS', callId: 'still' }));
    await first.message(1);
    second.socket.destroy();
    await second.closed();
    await small.close();
  });

  test('a connection without traffic is closed after sipIdleConnectionMs, a held one is not', async () => {
    const idle = await openAndKnown();
    const held = await openAndKnown();
    transport.holdFlow(held.flow.id);
    transport.holdFlow(held.flow.id);
    transport.releaseFlow(held.flow.id);
    await time.pass(LIMITS.sipIdleConnectionMs + 5_000);
    await idle.peer.closed();
    assert.equal(log.of('connection-idle').length, 1);
    assert.notEqual(transport.flow(held.flow.id), undefined);
    transport.releaseFlow(held.flow.id);
    await time.pass(LIMITS.sipIdleConnectionMs + 5_000);
    await held.peer.closed();
    assert.deepEqual(
      receiver.closed.map(({ id }) => id),
      [idle.flow.id, held.flow.id],
    );
  });

  test('a receiver that throws: 500, a log line, and the connection goes on', async () => {
    const peer = await open();
    receiver.throwsAt = 'broken';
    peer.send(
      requestText({ method: 'OPTIONS', callId: 'broken' }) + requestText({ method: 'OPTIONS', callId: 'good' }),
    );
    await peer.message(1);
    assert.deepEqual(peer.statuses, [500, 200]);
    assert.equal(log.of('internal-fault').length, 1);
  });

  test('threat: a stream whose framing is lost is answered, then ended; what still comes is thrown away', async () => {
    const peer = await open();
    const broken = requestText({ callId: 'no-length' }).replace('Content-Length: 0', 'Content-Length: twelve');
    peer.send(broken + requestText({ method: 'OPTIONS', callId: 'after' }).repeat(20));
    await peer.closed();
    assert.deepEqual(peer.statuses, [400]);
    assert.equal(headerOf(peer.text, 'Call-ID'), 'no-length');
    assert.match(headerOf(peer.text, 'ms-diagnostics') ?? '', /^15001;source="um\.example"/);
    assert.deepEqual(receiver.faults, ['malformed-message']);
    assert.equal(receiver.messages.length, 0);
    assert.equal((await openAndKnown()).peer.statuses[0], 200);
  });

  test('threat: a peer that keeps its side open after our last words is closed after sipLingerMs', async () => {
    const server = await RawServer.listen(address, { allowHalfOpen: true });
    const flow = await transport.connect(server.end);
    const far = await server.peer(0);
    far.send('\u0000');
    await log.logged('message-refused');
    assert.equal(transport.flow(flow.id), undefined);
    assert.equal(transport.flowCount, 1);
    await time.pass(LIMITS.sipLingerMs + 5_000);
    await settled();
    assert.equal(transport.flowCount, 0);
    server.close();
  });

  test('threat: headers without end are refused with 513', async () => {
    const peer = await open();
    peer.send(requestText({ extra: [`X-Long: ${'y'.repeat(LIMITS.sipHeaderBytes)}`] }));
    assert.match(await peer.message(0), /^SIP\/2\.0 513 /);
    await peer.closed();
    assert.deepEqual(receiver.faults, ['message-too-large']);
  });

  test('threat: what is not SIP at all, such as HTTP, is told so and ended', async () => {
    const peer = await open();
    peer.send('GET / HTTP/1.1\r\nHost: um.example\r\n\r\n');
    await peer.closed();
    assert.deepEqual(peer.statuses, [400]);
    assert.equal(log.of('message-refused').length, 1);
  });

  test('responses and ACK that break the grammar are not answered', async () => {
    const peer = await open();
    peer.send('ACK SIP/2.0\r\n\r\n');
    peer.send('SIP/2.0 2xx OK\r\n\r\n');
    peer.send(requestText({ method: 'OPTIONS', callId: 'good' }));
    await peer.message(0);
    assert.deepEqual(peer.statuses, [200]);
  });

  test('a connection that we opened is used for receiving as well, and comes from the address listened on', async () => {
    const server = await RawServer.listen(ownLoopbackAddress(2));
    const flow = await transport.connect(server.end);
    const far = await server.peer(0);
    assert.equal(far.socket.remoteAddress, address);
    assert.deepEqual(flow.peer, server.end);
    assert.deepEqual(transport.flowTo(server.end), flow);
    far.send(requestText({ method: 'OPTIONS', callId: 'backwards' }));
    assert.match(await far.message(0), /^SIP\/2\.0 200 /);
    far.socket.destroy();
    await time.pass(0);
    server.close();
  });

  test('a connection that is refused is an error in words', async () => {
    const server = await RawServer.listen(address);
    const { end: gone } = server;
    server.close();
    await assert.rejects(transport.connect(gone), /ECONNREFUSED/);
  });

  test('threat: a peer that swallows packets holds a connecting call for sipConnectMs at most', async () => {
    const atOnce = {
      start: (afterMs: number, fire: () => void) => {
        assert.equal(afterMs, LIMITS.sipConnectMs);
        queueMicrotask(fire);
        return { stop: () => undefined };
      },
    };
    await assert.rejects(openConnection(end, atOnce, undefined), /did not answer in 5000 ms/);
  });

  test('flow ids are unique across transports, and addresses of flows are plain', async () => {
    const everywhere = makeTransport();
    const { port } = await everywhere.listen(undefined, 0);
    const here = { address, port };
    const [four, six] = [await open(here), await RawPeer.open({ address: '::1', port }).catch(() => undefined)];
    four.send(requestText({ method: 'OPTIONS', callId: 'four' }));
    await four.message(0);
    const fourFlow = receiver.lastFlow;
    assert.equal(fourFlow?.peer.address, '127.0.0.1');
    assert.equal(fourFlow.local.address, address);
    if (six !== undefined) {
      six.send(requestText({ method: 'OPTIONS', callId: 'six' }));
      await six.message(0);
      assert.equal(receiver.lastFlow?.local.address, '::1');
      six.socket.destroy();
    }
    receiver.transport = transport;
    const { flow } = await openAndKnown();
    assert.notEqual(flow.id, fourFlow.id);
    four.socket.destroy();
    await everywhere.close();
  });

  test('a port in use is port-taken, and says which', async () => {
    const other = makeTransport();
    await assert.rejects(other.listen(address, end.port), (error: unknown) => {
      assert.ok(error instanceof UmError);
      assert.equal(error.code, 'port-taken');
      assert.ok(error.detail.includes(`${address}:${String(end.port)}`), error.detail);
      return true;
    });
  });

  test('a port that is in use on one address cannot be opened on all', async () => {
    await assert.rejects(makeTransport().listen(undefined, end.port), { code: 'port-taken' });
  });

  test('an address of another machine is a fault of the configuration', async () => {
    await assert.rejects(makeTransport().listen('192.0.2.1', 0), { code: 'config-faulty' });
  });

  test('stopListening takes no new connection and keeps the old ones', async () => {
    const { peer } = await openAndKnown();
    await transport.stopListening();
    await assert.rejects(RawPeer.open(end));
    peer.send(requestText({ method: 'OPTIONS', callId: 'old' }));
    await peer.message(1);
  });

  test('close sends what was written before it ends the connections', async () => {
    const { peer, flow } = await openAndKnown();
    const big = 'z'.repeat(200_000);
    transport.send(flow.id, big);
    await transport.close();
    await peer.closed();
    assert.ok(peer.text.endsWith(big));
  });
});
