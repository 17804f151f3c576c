import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers } from '../support/raw-caller.js';
import { leaveMessage, recordingCall, talkingWhile } from '../support/recording-call.js';
import { Site, speech } from '../support/site.js';

/** Only so that a fault does not make the run hang. */
const patience = { timeout: 90_000 };

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make({ which: 0 });
  daemon = await site.start();
}, patience);
after(async () => {
  closeCallers();
  await daemon.dispose();
  site.remove();
});

test(
  'a worker is recycled: new calls go to the other pair at once, the old worker finishes its call and ends',
  patience,
  async () => {
    const call = await recordingCall(site);
    assert.equal(call.hops.at(-1)?.port, 5065);
    const old = daemon.childOf('worker');
    const from = daemon.lines.length;
    site.writeConfig({ WorkerRecycleInterval: '1' });
    await daemon.logged(({ event, generation }) => event === 'worker-recycled' && generation === 'A', from);
    await daemon.logged(({ event }) => event === 'worker-recycle-waits', from); // due again, while A still has its call
    site.writeConfig();
    await daemon.logged(({ event, process }) => event === 'config-changed' && process === 'supervisor', from);
    const next = await recordingCall(site);
    assert.equal(next.hops.at(-1)?.port, 5067);
    await call.speak(speech(1.2, 13));
    assert.equal((await leaveMessage(daemon, call)).partial, false);
    await talkingWhile(
      daemon.logged(({ event, pid }) => event === 'worker-ended' && pid === old, from),
      next,
    );
    await next.speak(speech(1.2, 14));
    assert.equal((await leaveMessage(daemon, next)).partial, false);
  },
);
