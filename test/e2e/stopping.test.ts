import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers, type RawCaller } from '../support/raw-caller.js';
import { callerOf, recordingCall } from '../support/recording-call.js';
import { type MessageFacts, Site, speech } from '../support/site.js';

/** Only so that a fault does not make the run hang. */
const patience = { timeout: 90_000 };

let sites = 0;
let site: Site;
let daemon: Daemon;
let call: RawCaller;

/** The one message there is, asked of the store without a daemon. */
async function keptMessage(): Promise<MessageFacts | undefined> {
  const messages = (await daemon.json('messages')) as readonly MessageFacts[];
  return messages.find(({ callId }) => callId === call.callId);
}

/** The server ends the call with BYE. */
async function endedByServer(): Promise<void> {
  const { connection } = call;
  assert.ok(connection);
  await connection.received(() => connection.requests.find((text) => text.startsWith('BYE')));
}

describe('stopping while a call is recorded', () => {
  beforeEach(async () => {
    site = await Site.make({ which: sites++ });
    daemon = await site.start();
    call = await recordingCall(site);
  }, patience);
  afterEach(async () => {
    closeCallers();
    await daemon.dispose();
    site.remove();
  });

  test(
    'SIGTERM: new calls 503, calls left are told, the call ends by itself, exit status 0, nothing left',
    patience,
    async () => {
      daemon.signal('SIGTERM');
      await daemon.logged(({ event, calls }) => event === 'draining' && calls === 1);
      await daemon.until(() => daemon.words.some((line) => line.includes('1 call is left')));
      const refused = await callerOf(site);
      const answer = await refused.invite();
      assert.equal(answer.status, 503, answer.text);
      await call.speak(speech(1.5, 9));
      assert.equal((await call.hangUp()).status, 200);
      assert.deepEqual(await daemon.ended(), { status: 0, signal: null });
      await daemon.abandoned();
      assert.equal((await keptMessage())?.partial, false);
    },
  );

  test(
    'Ctrl-C reaches every process: the call goes on; Ctrl-C again after more than a second ends it, message kept',
    patience,
    async () => {
      const everybody = -daemon.pid;
      daemon.signal('SIGINT', everybody);
      daemon.signal('SIGINT', everybody); // the same key press
      await daemon.logged(({ event }) => event === 'draining');
      await call.speak(speech(1.5, 10));
      assert.deepEqual(call.connection?.requests, [], 'no BYE: the call goes on');
      daemon.signal('SIGINT', everybody);
      await endedByServer();
      assert.deepEqual(await daemon.ended(), { status: 0, signal: null });
      await daemon.abandoned();
      const message = await keptMessage();
      assert.ok(message && message.durationMs > 1_000);
    },
  );

  test(
    'stop --now ends calls at once and keeps what was said; stop without a daemon: exit status 3',
    patience,
    async () => {
      await call.speak(speech(1.5, 11));
      const stopped = daemon.command('stop', '--now');
      await endedByServer();
      assert.equal((await stopped).status, 0);
      assert.deepEqual(await daemon.ended(), { status: 0, signal: null });
      assert.ok(await keptMessage());
      assert.equal((await daemon.command('stop')).status, 3);
    },
  );
});
