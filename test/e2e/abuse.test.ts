import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers, RawCaller, RawConnection } from '../support/raw-caller.js';
import { type MessageFacts, payloadOf, Site, speech } from '../support/site.js';

const listeners = [5060, 5062, 5065];

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make({ which: 2, dialPlan: { recordingIdleTimeoutSeconds: 2 } });
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

afterEach(closeCallers);

interface Status {
  readonly router: { readonly pid: number };
  readonly rtp: { readonly inUse: number };
  readonly calls: readonly unknown[];
}

const status = async (): Promise<Status> => (await daemon.json('status')) as Status;

const makeCaller = (): Promise<RawCaller> =>
  RawCaller.make({ server: site.listen, user: '5000', headers: ['Diversion: <sip:1000@pbx>'] });

const open = (port: number): Promise<RawConnection> => RawConnection.open(site.listen, port, site.listen);

function options(callId: string): string {
  const via = `Via: SIP/2.0/TCP ${site.listen};branch=z9hG4bK${callId}`;
  const ends = ['From: <sip:pbx>;tag=o', 'To: <sip:um>', `Call-ID: ${callId}`, 'CSeq: 1 OPTIONS'];
  return [`OPTIONS sip:${site.listen} SIP/2.0`, via, 'Max-Forwards: 70', ...ends, 'Content-Length: 0', '', ''].join(
    '\r\n',
  );
}

/** Speaks while `meanwhile` happens, hangs up; the message must have every byte. */
async function leavesWholeMessage(meanwhile: () => Promise<void>): Promise<void> {
  const caller = await makeCaller();
  assert.equal((await caller.invite()).status, 200);
  await caller.heardBeep();
  const spoken = speech(3, 61);
  await Promise.all([caller.speak(spoken), meanwhile()]);
  assert.equal((await caller.hangUp()).status, 200);
  caller.close();
  await daemon.logged(({ event, callId }) => event === 'message-stored' && callId === caller.callId);
  const messages = (await daemon.json('messages')) as readonly MessageFacts[];
  const audioFile = messages.find(({ callId }) => callId === caller.callId)?.audioFile ?? '';
  assert.notEqual(payloadOf(audioFile).indexOf(Buffer.from(spoken)), -1);
}

/** Resolves once the listener answers OPTIONS; one that has rested for want of descriptors refuses for a second. */
async function answered(port: number): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const connection = await open(port);
      const callId = `answered-${String(port)}-${String(attempt)}`;
      connection.send(options(callId));
      assert.equal((await connection.final(callId, '1 OPTIONS')).status, 200);
      connection.close();
      return;
    } catch (fault) {
      if (fault instanceof assert.AssertionError) throw fault;
    }
  }
}

/** Resolves once the worker has told that nothing of any call is left. */
async function nothingIsLeft(): Promise<void> {
  for (;;) {
    const { rtp, calls } = await status();
    if (rtp.inUse === 0 && calls.length === 0) return;
  }
}

describe('abuse while a call is up: the call is whole, the server goes on, nothing leaks', () => {
  test('noise, halves of messages, and connections opened and dropped, on every listener', async () => {
    await leavesWholeMessage(async () => {
      for (const port of listeners) {
        for (let k = 0; k < 20; k += 1) {
          const connection = await open(port);
          connection.send(`INVITE sip:5000@um SIP/2.0\r\nVia: ${'\u00ff\u0000'.repeat(k)}\r\n\r\n`);
          connection.send(options('half').slice(0, 10 + k));
          connection.close();
        }
        const dropped = await Promise.all(Array.from({ length: 50 }, () => open(port)));
        for (const connection of dropped) connection.close();
      }
    });
    for (const port of listeners) await answered(port);
  });

  test('a peer that asks and never reads is dropped, or waits, and nobody else waits with it', async () => {
    const stalled = await Promise.all(listeners.map(open));
    for (const { socket } of stalled) socket.pause();
    await leavesWholeMessage(async () => {
      for (const [k, connection] of stalled.entries()) {
        for (let n = 0; n < 20; n += 1) {
          const requests = Array.from({ length: 200 }, (_, m) => options(`stall-${String(k)}-${String(n * 200 + m)}`));
          connection.send(requests.join(''));
        }
        await new Promise((done) => setImmediate(done));
      }
    });
    for (const connection of stalled) connection.close();
  });

  test('callers who vanish after the answer, without BYE -> their ports are free again after the idle time', async () => {
    const callers = await Promise.all(Array.from({ length: 10 }, makeCaller));
    const answers = await Promise.all(callers.map((caller) => caller.invite()));
    for (const caller of callers) caller.close();
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
    await nothingIsLeft();
  });

  test('the router has no file descriptor left: open connections are served on, and new ones once there are some', async () => {
    const { router } = await status();
    const early = await open(5060);
    early.send(options('early'));
    assert.equal((await early.final('early', '1 OPTIONS')).status, 200);
    const limit = (files: number): void => {
      execFileSync('prlimit', ['--pid', String(router.pid), `--nofile=${String(files)}:`]);
    };
    limit(readdirSync(`/proc/${String(router.pid)}/fd`).length);
    const late = await Promise.all(Array.from({ length: 10 }, () => open(5060)));
    for (const [k, connection] of late.entries()) connection.send(options(`late-${String(k)}`));
    early.send(options('again'));
    assert.equal((await early.final('again', '1 OPTIONS')).status, 200);
    limit(1_024);
    for (const connection of [early, ...late]) connection.close();
    await answered(5060);
    await leavesWholeMessage(() => Promise.resolve());
    assert.equal((await status()).router.pid, router.pid);
  });
});
