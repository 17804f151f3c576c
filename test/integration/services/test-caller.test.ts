import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import type { HostPort } from '../../../src/protocol/sip/flow.js';
import type { RunningWorker } from '../../../src/services/um-worker.js';
import { testCall, type TestCallHop, type TestCallOptions } from '../../../src/services/test-caller.js';
import { ownLoopbackAddress } from '../../support/daemon.js';
import { headerOf } from '../../support/raw-caller.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { speech } from '../../support/site.js';
import { WorkerSite } from '../../support/worker-site.js';

const listen = ownLoopbackAddress(6);
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers each INVITE as told; `final` gets how many came before. */
async function server(final: (count: number, request: string) => string): Promise<HostPort> {
  let count = 0;
  const sockets = new Set<Socket>();
  const tcp: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setEncoding('latin1').on('error', () => undefined);
    socket.on('data', (text: string) => {
      if (!text.startsWith('INVITE')) return;
      socket.write(answerTo(text, final(count, text)));
      count += 1;
    });
  });
  tcp.listen(0, listen);
  await once(tcp, 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    tcp.close();
    await once(tcp, 'close');
  });
  const address = tcp.address();
  assert.ok(typeof address === 'object' && address);
  return { address: listen, port: address.port };
}

function answerTo(request: string, final: string): string {
  const echoed = request.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(line));
  return [`SIP/2.0 ${final}`, ...echoed, 'Content-Length: 0', '', ''].join('\r\n');
}

async function runningWorker(): Promise<{ readonly site: WorkerSite; readonly worker: RunningWorker }> {
  const site = new WorkerSite({ listen });
  closing.push(() => site.dispose());
  await site.listenForReports();
  const worker = await site.start();
  await site.parent.heard('ready');
  return { site, worker };
}

/**
 * Stands in for a worker: what is between it and the caller passes, until it is closed, which is as if the worker were killed.
 *
 * @param bye - what BYE is answered with, in the worker's place
 */
async function relayTo(port: number, bye?: string): Promise<{ readonly place: HostPort; close(): void }> {
  const sockets = new Set<Socket>();
  const relay = createServer((caller) => {
    const worker = connect({ host: listen, port, localAddress: listen });
    for (const socket of [caller, worker]) sockets.add(socket.setEncoding('latin1').on('error', () => undefined));
    const own = relay.address();
    const ownPort = typeof own === 'object' && own ? own.port : 0;
    caller.on('data', (text: string) => {
      if (bye !== undefined && text.startsWith('BYE')) caller.write(answerTo(text, bye), 'latin1');
      else worker.write(text, 'latin1');
    });
    worker.on('data', (text: string) => {
      const contact = new RegExp(`^(Contact: .*):${String(port)}`, 'gm');
      caller.write(text.replace(contact, `$1:${String(ownPort)}`), 'latin1');
    });
  }).listen(0, listen);
  await once(relay, 'listening');
  const address = relay.address();
  assert.ok(typeof address === 'object' && address);
  return {
    place: { address: listen, port: address.port },
    close: () => {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function call(to: HostPort, hops: TestCallHop[], more: Partial<TestCallOptions> = {}): ReturnType<typeof testCall> {
  return testCall({
    extension: '1000',
    to,
    localAddress: listen,
    from: '5551234',
    audio: speech(1, 3),
    log: new RecordingLogger(),
    onHop: (hop) => {
      hops.push(hop);
    },
    ...more,
  });
}

describe('the test caller', () => {
  test('follows a redirect, waits for the beep, speaks, hangs up; what it said is in the spool', async () => {
    const { site, worker } = await runningWorker();
    const contact = `<sip:1000@${listen}:${String(worker.port)};transport=tcp>`;
    const to = await server(() => `302 Moved Temporarily\r\nContact: ${contact}`);
    const hops: TestCallHop[] = [];
    const result = await call(to, hops);
    assert.deepEqual({ ...result, callId: '' }, { answered: true, callId: '', spokenMs: 1_000, status: 200 });
    assert.deepEqual(
      hops.map(({ kind }) => kind),
      ['redirected', 'answered', 'greeting-heard', 'speaking', 'hung-up'],
    );
    assert.deepEqual(hops[0], { kind: 'redirected', status: 302, by: to, contact: contact.slice(1, -1) });
    await site.until(() => site.spoolChanges > 0);
    assert.notEqual(site.taken[0]?.indexOf(Buffer.from(speech(1, 3))), -1, 'bit by bit');
    site.parent.tell({ kind: 'drain' });
    assert.equal(await worker.ended, 0);
  });

  test('the INVITE has Diversion for the extension, the caller and an offer', async () => {
    let seen = '';
    const to = await server((_count, request) => {
      seen = request;
      return '486 Busy Here';
    });
    await call(to, [], { from: 'a"b\r\nX: 1' });
    assert.match(headerOf(seen, 'Diversion') ?? '', /^<sip:1000@.*>;reason=no-answer$/);
    assert.match(seen, /\r\nm=audio \d+ RTP\/AVP 0 8 101\r\n/);
    assert.doesNotMatch(seen, /^X:/m, 'nothing in the number adds a header');
  });

  test('with a pilot it is the pilot that is dialled, and the extension that Diversion names', async () => {
    let seen = '';
    const to = await server((_count, request) => {
      seen = request;
      return '486 Busy Here';
    });
    await call(to, [], { pilot: '5000' });
    assert.match(seen, /^INVITE sip:5000@/);
    assert.match(headerOf(seen, 'To') ?? '', /^<sip:5000@/);
    assert.match(headerOf(seen, 'Diversion') ?? '', /^<sip:1000@/);
  });

  test('refused: the status and the words of ms-diagnostics', async () => {
    const to = await server(() => '404 Not Found\r\nms-diagnostics: 15004;source="um";reason="no \\"mailbox\\""');
    const hops: TestCallHop[] = [];
    assert.deepEqual((await call(to, hops)).answered, false);
    const detail = 'Not Found; no "mailbox"';
    assert.deepEqual(hops, [{ kind: 'refused', status: 404, by: to, detail, code: 'mailbox-unknown' }]);
  });

  test('refused by a server that is none of ours: a number of ms-diagnostics that we do not have is no code', async () => {
    for (const header of ['\r\nms-diagnostics: 15999;reason="x"', '\r\nms-diagnostics: x', '']) {
      const to = await server(() => `404 Not Found${header}`);
      const hops: TestCallHop[] = [];
      await call(to, hops);
      assert.equal(hops.length, 1);
      assert.ok(!('code' in (hops[0] ?? {})), header);
    }
  });

  test('the server hangs up amid the speech: it is not said of the caller', async () => {
    const { site, worker } = await runningWorker();
    const hops: TestCallHop[] = [];
    const result = await call({ address: listen, port: worker.port }, hops, {
      audio: speech(30, 3),
      onHop: (hop) => {
        hops.push(hop);
        if (hop.kind === 'speaking') site.parent.tell({ kind: 'stop-now' });
      },
    });
    assert.equal(result.answered, true);
    assert.ok(result.spokenMs < 30_000);
    assert.deepEqual(
      hops.map(({ kind }) => kind),
      ['answered', 'greeting-heard', 'speaking', 'ended-by-server'],
    );
    assert.equal(await worker.ended, 0);
  });

  test('the server hangs up before the beep -> call-failed: there is no message', async () => {
    const { site, worker } = await runningWorker();
    const hops: TestCallHop[] = [];
    const made = call({ address: listen, port: worker.port }, hops, {
      onHop: (hop) => {
        hops.push(hop);
        if (hop.kind === 'answered') site.parent.tell({ kind: 'stop-now' });
      },
    });
    await assert.rejects(made, /the server ended the call before anything was said/);
    assert.equal(hops.at(-1)?.kind, 'ended-by-server');
    assert.equal(await worker.ended, 0);
  });

  test('a worker that is gone when the caller hangs up -> call-failed: no answer to BYE', async () => {
    const { site, worker } = await runningWorker();
    const relay = await relayTo(worker.port);
    const hops: TestCallHop[] = [];
    const made = call(relay.place, hops, {
      onHop: (hop) => {
        hops.push(hop);
        if (hop.kind === 'speaking') relay.close();
      },
    });
    await assert.rejects(made, /after 1\.0 s of speech the server did not answer BYE \(transport\)/);
    assert.ok(!hops.some(({ kind }) => kind === 'hung-up'));
    site.parent.tell({ kind: 'stop-now' });
    assert.equal(await worker.ended, 0);
  });

  test('a worker that does not know the call any more when the caller hangs up -> call-failed', async () => {
    const { site, worker } = await runningWorker();
    const relay = await relayTo(worker.port, '481 Call/Transaction Does Not Exist');
    await assert.rejects(call(relay.place, []), /the server knew nothing of the call: it answered BYE with 481/);
    relay.close();
    site.parent.tell({ kind: 'stop-now' });
    assert.equal(await worker.ended, 0);
  });

  test('a redirect to itself -> call-failed', async () => {
    const to = await server((_count, request) => `302 Moved\r\nContact: <${request.split(' ')[1] ?? ''}>`);
    await assert.rejects(call(to, []), /in a circle/);
  });

  test('threat: redirects without end are cut off after LIMITS.sipRedirects', async () => {
    const to: HostPort = await server(
      (count) => `302 Moved\r\nContact: <sip:${String(count)}@${listen}:${String(to.port)}>`,
    );
    const hops: TestCallHop[] = [];
    await assert.rejects(call(to, hops), /more than 5 redirects/);
    assert.equal(hops.length, 5);
  });

  test('nobody listens -> call-failed that names the place', async () => {
    const to = await server(() => '');
    await closing.pop()?.();
    await assert.rejects(call(to, []), (error) => error instanceof UmError && error.detail.includes(String(to.port)));
  });
});
