import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers, RawCaller } from '../support/raw-caller.js';
import { leaveMessage } from '../support/recording-call.js';
import { payloadOf, Site, speech } from '../support/site.js';

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make({ listen: '::1', gateway: ['::1'] });
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

afterEach(closeCallers);

describe('on an IPv6 address', () => {
  test('a call through router, service and worker, its RTP in both directions -> a message, bit by bit', async () => {
    const call = await RawCaller.make({ server: '::1', user: '5000', headers: ['Diversion: <sip:1000@[::1]>'] });
    const answer = await call.invite();
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(
      call.hops.map(({ port }) => port),
      [5060, 5062, 5065],
    );
    await call.heardBeep();
    const audio = speech(2, 31);
    await call.speak(audio);
    const message = await leaveMessage(daemon, call);
    assert.notEqual(payloadOf(message.audioFile ?? '').indexOf(Buffer.from(audio)), -1);
  });

  test('test-call finds the server there', async () => {
    for (const to of ['::1', '[::1]', '[::1]:5060']) {
      const { status, stdout, stderr } = await daemon.command('test-call', '1055', '--to', to);
      assert.equal(status, 1, stdout + stderr);
      assert.match(stdout, /404/, to);
    }
  });
});
