import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Daemon, ownLoopbackAddress } from '../support/daemon.js';
import { closeCallers } from '../support/raw-caller.js';
import { recordingCall } from '../support/recording-call.js';
import { Site, speech } from '../support/site.js';
import { SmtpPeer } from '../support/smtp-peer.js';

/** Only so that a fault does not make the run hang. */
const patience = { timeout: 90_000 };

interface Job {
  readonly recipient: string;
  readonly state: string;
  readonly lastError: string | null;
}

describe('a relay', () => {
  let relay: SmtpPeer;
  let site: Site;
  let daemon: Daemon;

  async function leaveMessages(...extensions: readonly string[]): Promise<void> {
    for (const extension of extensions) {
      const call = await recordingCall(site, extension);
      await call.speak(speech(1.2, Number(extension)));
      assert.equal((await call.hangUp()).status, 200);
    }
  }

  before(async () => {
    relay = await SmtpPeer.listen(ownLoopbackAddress(1));
    site = await Site.make({
      config: { SmtpHost: ownLoopbackAddress(1), SmtpPort: String(relay.port), SmtpTls: 'none' },
    });
    daemon = await site.start();
  }, patience);
  after(async () => {
    closeCallers();
    await relay.close();
    await daemon.dispose();
    site.remove();
  });

  test('down, then up: all is delivered, from the sender of the configuration', patience, async () => {
    const { port } = relay;
    await relay.close();
    await leaveMessages('1000', '1001');
    await daemon.until(() => daemon.lines.filter(({ event }) => event === 'mail-deferred').length === 2);
    relay = await SmtpPeer.listen(ownLoopbackAddress(1), { port });
    await relay.until(() => relay.mails.length === 2);
    assert.deepEqual(relay.mails.map(({ to }) => to).sort(), ['1000@example.test', '1001@example.test']);
    for (const { from } of relay.mails) assert.equal(from, 'voicemail@um.example.test');
    await daemon.until(() => daemon.lines.filter(({ event }) => event === 'mail-delivered').length === 2);
  });

  test('refuses one recipient: a dead letter that says why, the other is delivered', patience, async () => {
    relay.script = {
      recipient: (address) => (address.startsWith('1001') ? '550 5.1.1 no such user here' : '250 ok'),
    };
    const from = daemon.lines.length;
    await leaveMessages('1000', '1001');
    await daemon.logged(({ event }) => event === 'mail-dead', from);
    await daemon.logged(({ event }) => event === 'mail-delivered', from);
    const dead = ((await daemon.json('outbox')) as readonly Job[]).filter(({ state }) => state === 'dead');
    assert.deepEqual(dead.map(({ recipient }) => recipient), ['1001@example.test']); // prettier-ignore
    assert.match(dead[0]?.lastError ?? '', /550 5\.1\.1 no such user here/);
  });
});
