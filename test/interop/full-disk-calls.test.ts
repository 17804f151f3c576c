import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Daemon } from '../support/daemon.js';
import { closeCallers } from '../support/raw-caller.js';
import { callerOf, leaveMessage, recordingCall, storedMessage } from '../support/recording-call.js';
import { type MessageFacts, payloadOf, Site, speech } from '../support/site.js';

/** A file system of 32 MB: needs root, as the mount does. */
let top: string;
let site: Site;
let daemon: Daemon;

/** Takes all the room there is. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size, 0x20));
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error));
    }
  }
  closeSync(file);
}

before(async () => {
  top = mkdtempSync(join(tmpdir(), 'openum-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=0700', 'openum-test', top]);
  site = await Site.make({ directory: top });
  daemon = await site.start();
});
after(async () => {
  closeCallers();
  await daemon.dispose();
  execFileSync('umount', [top]);
  rmSync(top, { recursive: true });
});

test('the disk runs full in mid-call: what was taken stays, new calls 503, and all goes on once there is room', async () => {
  const early = await recordingCall(site);
  await early.speak(speech(1.2, 1));
  await leaveMessage(daemon, early);

  const call = await recordingCall(site);
  await call.speak(speech(1.5, 2));
  const filler = join(top, 'filler');
  fill(filler);
  const { connection } = call;
  assert.ok(connection);
  await call.speak(speech(1, 3));
  await connection.received(() => connection.requests.find((text) => text.startsWith('BYE')));
  const refused = await callerOf(site);
  const answer = await refused.invite();
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.text, /^Retry-After:/m);
  await daemon.logged(({ event, code }) => event === 'call-refused' && code === 'disk-nearly-full');
  const kept = (await daemon.json('messages')) as readonly MessageFacts[];
  assert.deepEqual(kept.map(({ callId }) => callId), [early.callId]); // prettier-ignore

  rmSync(filler);
  const cut = await storedMessage(daemon, call);
  assert.ok(payloadOf(cut.audioFile ?? '').includes(Buffer.from(speech(1, 2))), 'what was said before stays');
  const late = await recordingCall(site, '1001');
  await late.speak(speech(1.2, 4));
  const message = await leaveMessage(daemon, late);
  assert.ok(payloadOf(message.audioFile ?? '').includes(Buffer.from(speech(1.2, 4))));
});
