import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Daemon, ownLoopbackAddress } from '../support/daemon.js';
import { requireProgram, runProgramOf } from '../support/debian-program.js';
import { type MessageFacts, payloadOf, Site, speech } from '../support/site.js';

requireProgram('sipp', 'sip-tester');

/** What SIPp plays in each call; the bytes are the same for both laws. */
const spoken = Buffer.from(speech(3, 31));

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make({ which: 0 });
  writeFileSync(join(site.data, 'speech.raw'), spoken);
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

interface Run {
  readonly scenario: string;
  readonly port: number;
  readonly calls: number;
  /** Calls a second. */
  readonly rate: number;
  readonly codec?: 'PCMU' | 'PCMA';
  /** SIPp's name: t1 one connection for all calls, tn one for each call. */
  readonly transport?: 't1' | 'tn';
}

/** Fails with what SIPp wrote unless every call went as the scenario says. */
async function sipp({ scenario, port, calls, rate, codec = 'PCMU', transport = 't1' }: Run): Promise<void> {
  const file = fileURLToPath(new URL(`../fixtures/sipp/${scenario}.xml`, import.meta.url));
  const filled = readFileSync(file, 'latin1')
    .replaceAll('PAYLOAD_TYPE', codec === 'PCMU' ? '0' : '8')
    .replaceAll('CODEC', codec);
  writeFileSync(join(site.data, `${scenario}.xml`), filled, 'latin1');
  const local = ownLoopbackAddress(1);
  const options = { '-sf': `${scenario}.xml`, '-t': transport, '-i': local, '-mi': local, '-timeout': '60s' };
  const load = { '-m': calls, '-l': calls, '-r': rate, '-max_socket': 500 };
  const args = Object.entries({ ...options, ...load }).flatMap(([name, value]) => [name, String(value)]);
  const { ended } = runProgramOf('sipp', [...args, '-nostdin', `${site.listen}:${String(port)}`], { cwd: site.data });
  const { status, output } = await ended;
  assert.equal(status, 0, output);
}

/** Makes the calls and checks that each left a message with every byte that was sent. */
async function leavesMessages(run: Run): Promise<void> {
  const earlier = daemon.lines.length;
  const storedNow = (): number => daemon.lines.slice(earlier).filter(({ event }) => event === 'message-stored').length;
  await sipp(run);
  await daemon.until(() => storedNow() === run.calls);
  const messages = ((await daemon.json('messages')) as readonly MessageFacts[]).slice(0, run.calls);
  assert.equal(new Set(messages.map(({ callId }) => callId)).size, run.calls);
  for (const { audioFile, codec, callId } of messages) {
    assert.equal(codec, run.codec ?? 'PCMU');
    assert.notEqual(payloadOf(audioFile ?? '').indexOf(spoken), -1, callId);
  }
}

describe('SIPp as the gateway', () => {
  test('router and service redirect, the worker takes the message, every byte of it, over one connection each', async () => {
    await sipp({ scenario: 'redirect', port: 5060, calls: 1, rate: 1 });
    await sipp({ scenario: 'redirect', port: 5062, calls: 1, rate: 1 });
    await leavesMessages({ scenario: 'speak', port: 5065, calls: 1, rate: 1 });
  });

  test('20 calls at once, one connection each, follow both redirects -> 20 messages', async () => {
    await leavesMessages({ scenario: 'follow', port: 5060, calls: 20, rate: 20, transport: 'tn' });
  });

  test('20 calls at once over one connection, PCMA -> 20 messages', async () => {
    await leavesMessages({ scenario: 'speak', port: 5065, calls: 20, rate: 20, codec: 'PCMA' });
  });

  test('20 calls at once without an offer in the INVITE, over one connection -> 20 messages', async () => {
    await leavesMessages({ scenario: 'delayed-offer', port: 5065, calls: 20, rate: 20 });
  });

  test('200 redirects a second over one connection', async () => {
    await sipp({ scenario: 'redirect', port: 5060, calls: 1000, rate: 200 });
  });
});
