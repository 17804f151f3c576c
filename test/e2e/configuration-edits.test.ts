import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers } from '../support/raw-caller.js';
import { callerOf, leaveMessage, recordingCall } from '../support/recording-call.js';
import { Site, speech } from '../support/site.js';

/** Only so that a fault does not make the run hang. */
const patience = { timeout: 90_000 };

interface RtpStatus {
  readonly rtp: { readonly min: number; readonly max: number; readonly inUse: number };
}

describe('the configuration file is replaced, as editors do, while the server runs', () => {
  let site: Site;
  let daemon: Daemon;

  /** The worker says its range itself, when it has it. */
  async function hasRange(min: number): Promise<void> {
    for (;;) if (((await daemon.json('status')) as RtpStatus).rtp.min === min) return;
  }

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
    'RTP range of two ports: the second call 503, the first untouched; the range back: answered',
    patience,
    async () => {
      site.writeConfig({ MinimumRtpPort: '41000', MaximumRtpPort: '41001' });
      await hasRange(41_000);
      const first = await recordingCall(site);
      await first.speak(speech(0.6, 15));
      const second = await callerOf(site, '1001');
      const answer = await second.invite();
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.text, /ms-diagnostics:.*41000/);
      await daemon.logged(({ event, code, callId }) => event === 'call-refused' && code === 'rtp-ports-exhausted' && callId === second.callId); // prettier-ignore
      await first.speak(speech(0.6, 16));
      assert.equal((await leaveMessage(daemon, first)).partial, false);
      const from = daemon.lines.length;
      site.writeConfig();
      await daemon.logged(({ event }) => event === 'config-changed', from);
      await hasRange(20_000);
      const third = await recordingCall(site);
      await third.hangUp();
    },
  );

  test('a faulty edit is refused whole, every fault named, and the old values stay', patience, async () => {
    const from = daemon.lines.length;
    site.writeConfig({ MinimumRtpPort: '7', MailRetryFor: 'soon', MaximumRtpPort: '20001' });
    const line = await daemon.logged(({ event }) => event === 'config-refused', from);
    assert.match(JSON.stringify(line), /MinimumRtpPort.*MailRetryFor/);
    const calls = [await recordingCall(site), await recordingCall(site, '1001')];
    assert.equal(((await daemon.json('status')) as RtpStatus).rtp.max, 29_999);
    for (const call of calls) {
      await call.hangUp();
    }
  });
});
