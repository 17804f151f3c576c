import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import { ownLoopbackAddress } from '../../support/daemon.js';
import { headerOf, type RawCaller, RawConnection, type RawResponse } from '../../support/raw-caller.js';
import { speech } from '../../support/site.js';
import { VirtualTime } from '../../support/virtual-time.js';
import { WorkerSite, type WorkerSiteOptions } from '../../support/worker-site.js';

/** How long a worker whose successor is active still redirects callers that were sent to it a moment ago. */
const LINGER_MS = 5_000;

/** Changes are reported together after this. */
const REPORTED_MS = 50;

const listen = ownLoopbackAddress(5);
const sites: WorkerSite[] = [];

afterEach(async () => {
  for (const site of sites.splice(0)) await site.dispose();
});

function makeSite(options: Partial<WorkerSiteOptions> = {}): WorkerSite {
  const site = new WorkerSite({ listen, ...options });
  sites.push(site);
  return site;
}

/** A worker that takes calls. */
async function ready(
  options: Partial<WorkerSiteOptions> = {},
): Promise<{ site: WorkerSite; port: number; ended: Promise<number> }> {
  const site = makeSite(options);
  await site.listenForReports();
  const { port, ended } = await site.start();
  await site.parent.heard('ready');
  return { site, port, ended };
}

/** A call that is up, its beep over. */
async function inRecording(site: WorkerSite, port: number): Promise<RawCaller> {
  const caller = await site.caller(port);
  assert.equal((await caller.invite()).status, 200);
  await caller.heardBeep();
  return caller;
}

/** The reason that the server gave for its BYE. */
async function byeOf({ connection }: RawCaller): Promise<string> {
  assert.ok(connection);
  const bye = await connection.received(() => connection.requests.find((text) => text.startsWith('BYE')));
  return headerOf(bye, 'Reason') ?? '';
}

let invites = 0;

/** The first final response to an INVITE that follows no redirect. */
async function inviteOnce(port: number): Promise<RawResponse> {
  const connection = await RawConnection.open(listen, port);
  const callId = `once-${String((invites += 1))}`;
  const lines = [
    `INVITE sip:5000@${listen}:${String(port)} SIP/2.0`,
    `Via: SIP/2.0/TCP ${listen};branch=z9hG4bK${callId}`,
    'Max-Forwards: 70',
    'From: <sip:5551234@pbx>;tag=once',
    'To: <sip:5000@um>',
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:pbx@127.0.0.1>',
    'Diversion: <sip:1000@pbx>',
    'Content-Length: 0',
  ];
  connection.send([...lines, '', ''].join('\r\n'));
  const response = await connection.final(callId, '1 INVITE');
  connection.close();
  return response;
}

/** A new call gets 302 to the successor. */
async function redirected(port: number): Promise<void> {
  const response = await inviteOnce(port);
  assert.equal(response.status, 302);
  assert.equal(headerOf(response.text, 'Contact'), `<sip:5000@${listen}:5067;transport=tcp>`);
}

async function stop(site: WorkerSite, ended: Promise<number>): Promise<void> {
  site.parent.tell({ kind: 'stop-now' });
  assert.equal(await ended, 0);
}

describe('a worker', () => {
  test('answers, records, and spools every byte; tells parent and mailbox service of it', async () => {
    const { site, port, ended } = await ready();
    const audio = speech(1, 3);
    const caller = await inRecording(site, port);
    await site.until(() => site.report?.calls[0]?.state === 'recording');
    await caller.speak(audio);
    assert.equal((await caller.hangUp()).status, 200);
    caller.close();
    await site.until(() => site.spoolChanges > 0);
    assert.notEqual(site.taken[0]?.indexOf(Buffer.from(audio)), -1);
    await site.until(() => site.report?.calls.length === 0);
    const { role, generation, state, securePort } = site.report ?? {};
    assert.deepEqual([role, generation, state, securePort], ['worker', 'A', 'active', null]);
    assert.deepEqual(
      site.parent.told.filter(({ kind }) => kind === 'calls'),
      [
        { kind: 'calls', count: 1 },
        { kind: 'calls', count: 0 },
      ],
    );
    await stop(site, ended);
  });

  test('says ready with its port when it has the directory', async () => {
    const { site, port, ended } = await ready();
    assert.deepEqual(
      site.parent.told.filter(({ kind }) => kind === 'ready'),
      [{ kind: 'ready', ports: [port], hasDirectory: true }],
    );
    await stop(site, ended);
  });

  test('without a mailbox service it is ready, too, and refuses calls until the directory comes; both are told', async () => {
    const site = makeSite();
    const { port, ended } = await site.start();
    await site.parent.heard('ready');
    const early = await site.caller(port);
    const refused = await early.invite();
    assert.equal(refused.status, 503);
    assert.match(headerOf(refused.text, 'ms-diagnostics') ?? '', /^15016/);
    early.close();
    await site.listenForReports();
    await site.until(() => site.report?.state === 'active');
    assert.deepEqual(
      site.parent.told.filter(({ kind }) => kind === 'ready'),
      [
        { kind: 'ready', ports: [port], hasDirectory: false },
        { kind: 'ready', ports: [port], hasDirectory: true },
      ],
    );
    const caller = await site.caller(port);
    assert.equal((await caller.invite()).status, 200);
    await caller.hangUp();
    caller.close();
    await stop(site, ended);
  });

  test('a gateway that is named, not numbered: from when the worker is ready its calls are taken', async () => {
    const { site, port, ended } = await ready({ gateway: ['localhost'] });
    const caller = await site.caller(port, '127.0.0.1');
    assert.equal((await caller.invite()).status, 200);
    await caller.hangUp();
    caller.close();
    await stop(site, ended);
  });

  test('calls of the other generation count', async () => {
    const { site, port, ended } = await ready({ maxCallsAllowed: 3 });
    site.parent.tell({ kind: 'other-calls', count: 3 });
    const caller = await site.caller(port);
    assert.equal((await caller.invite()).status, 503);
    caller.close();
    await stop(site, ended);
  });

  test('port in use -> port-taken, nothing stays open', async () => {
    const { site, port, ended } = await ready();
    const second = makeSite();
    await assert.rejects(second.start(port), (error) => error instanceof UmError && error.code === 'port-taken');
    assert.deepEqual(second.spoolDirectories, []);
    await stop(site, ended);
  });
});

describe('the RTP range', () => {
  test('edited to one pair while running: the second call at once gets 503, the first is untouched', async () => {
    const { site, port, ended } = await ready();
    site.writeConfig({ MinimumRtpPort: '41000', MaximumRtpPort: '41001' });
    await site.until(() => site.report?.rtp.max === 41_001);
    const first = await inRecording(site, port);
    const second = await site.caller(port);
    const refused = await second.invite();
    assert.equal(refused.status, 503);
    assert.match(headerOf(refused.text, 'ms-diagnostics') ?? '', /^15011/);
    second.close();
    await first.speak(speech(1, 5));
    assert.equal((await first.hangUp()).status, 200);
    first.close();
    await stop(site, ended);
    assert.equal(site.taken.length, 1);
  });
});

describe('the end of a worker', () => {
  test('drain: new calls go to the successor, the call that is up is finished; then everything is closed, status 0', async () => {
    const time = new VirtualTime();
    const { site, port, ended } = await ready({ timers: time });
    const up = await inRecording(site, port);
    site.parent.tell({ kind: 'drain', successorPort: 5_067 });
    await time.pass(LINGER_MS);
    assert.equal((await up.request('OPTIONS')).status, 200, 'it does not close while a call is up');
    await redirected(port);
    await up.speak(speech(1, 7));
    await up.hangUp();
    assert.equal(await ended, 0);
    up.close();
    assert.equal(site.taken.length, 1);
    assert.ok(site.parent.isClosed);
    await assert.rejects(RawConnection.open(listen, port), 'the port is closed');
  });

  test('drain to a successor without calls: callers that were sent here are redirected for 5 s, then the port is closed', async () => {
    const time = new VirtualTime();
    const { site, port, ended } = await ready({ timers: time });
    site.parent.tell({ kind: 'drain', successorPort: 5_067 });
    await redirected(port);
    await time.pass(REPORTED_MS);
    await site.until(() => site.report?.state === 'draining');
    await time.pass(LINGER_MS - REPORTED_MS - 1);
    await redirected(port);
    await time.pass(1);
    assert.equal(await ended, 0);
    assert.deepEqual(site.spoolDirectories, []);
    await assert.rejects(RawConnection.open(listen, port), 'the port is closed');
  });

  for (const message of [{ kind: 'drain' }, { kind: 'stop-now' }] as const) {
    test(`${message.kind} while callers are still redirected: nobody will be sent here any more, it ends at once`, async () => {
      const time = new VirtualTime();
      const { site, ended } = await ready({ timers: time });
      site.parent.tell({ kind: 'drain', successorPort: 5_067 });
      await time.pass(LINGER_MS - 1);
      site.parent.tell(message);
      assert.equal(await ended, 0);
      assert.equal(time.waiting, 0);
    });
  }

  test('drain without calls: at once; its spool directory is removed', async () => {
    const time = new VirtualTime();
    const { site, ended } = await ready({ timers: time });
    site.parent.tell({ kind: 'drain' });
    assert.equal(await ended, 0);
    assert.deepEqual(site.spoolDirectories, []);
  });

  test('the parent dies: new calls get 503, the call that is up is finished, then the worker ends', async () => {
    const { site, port, ended } = await ready();
    const up = await inRecording(site, port);
    site.parent.die();
    const late = await site.caller(port);
    assert.equal((await late.invite()).status, 503);
    late.close();
    assert.equal((await up.request('OPTIONS')).status, 200, 'requests within calls are answered');
    await up.speak(speech(1, 9));
    await up.hangUp();
    assert.equal(await ended, 0);
    up.close();
    assert.equal(site.taken.length, 1);
  });

  test('stop now: BYE to every caller once its recording is kept, then the end', async () => {
    const { site, port, ended } = await ready();
    const callers = await Promise.all([inRecording(site, port), inRecording(site, port)]);
    await Promise.all(callers.map((caller) => caller.speak(speech(1, 11))));
    site.parent.tell({ kind: 'stop-now' });
    for (const caller of callers) assert.match(await byeOf(caller), /stopped/);
    assert.equal(await ended, 0);
    assert.equal(site.taken.length, 2);
    for (const caller of callers) caller.close();
    const events = site.log.events;
    assert.ok(events.lastIndexOf('call-ended') < events.indexOf('worker-ended'), 'calls are closed before the worker');
  });

  test('stop while it drains ends the calls that are left', async () => {
    const { site, port, ended } = await ready();
    const caller = await inRecording(site, port);
    site.parent.tell({ kind: 'drain' });
    site.parent.tell({ kind: 'stop-now' });
    await byeOf(caller);
    assert.equal(await ended, 0);
    caller.close();
  });
});
