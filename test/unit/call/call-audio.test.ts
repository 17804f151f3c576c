import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallAudio } from '../../../src/call/call-audio.js';
import type { MediaParameters } from '../../../src/call/media-port.js';
import { ScriptedMediaSession } from '../../support/scripted-media.js';

const parameters: MediaParameters = {
  remote: { address: '192.0.2.10', port: 4_000 },
  remoteRtcp: { address: '192.0.2.10', port: 4_001 },
  law: 'PCMU',
  ptimeMs: 20,
  send: true,
  receive: true,
  strictMedia: false,
};
const target = { path: '/spool/x', audioOffset: 0, endKeys: '#', idleTimeoutMs: 1, maxDurationMs: 1 };

function attached(): { readonly audio: CallAudio; readonly session: ScriptedMediaSession } {
  const audio = new CallAudio();
  const session = new ScriptedMediaSession(20_000, audio);
  audio.attach(session);
  return { audio, session };
}

describe('CallAudio', () => {
  test('play resolves when these clips were played, not when earlier ones were', async () => {
    const { audio, session } = attached();
    const first = audio.play([{ kind: 'beep' }]);
    session.played();
    await first;
    let isOver = false;
    const second = audio.play([{ kind: 'beep' }]).then(() => (isOver = true));
    audio.played(1);
    await Promise.resolve();
    assert.equal(isOver, false);
    session.played();
    await second;
  });

  test('mute cuts what plays, and nothing is sent afterwards whatever is agreed on', async () => {
    const { audio, session } = attached();
    audio.configure(parameters);
    const playing = audio.play([{ kind: 'beep' }]);
    audio.mute();
    await playing;
    audio.configure(parameters);
    assert.deepEqual(
      session.configured.map(({ send }) => send),
      [true, false, false],
    );
  });

  test('a recording ends by itself, or is stopped; both once', async () => {
    const { audio, session } = attached();
    const first = audio.record(target);
    session.recordingEnds({ endedBy: 'silence' });
    assert.equal((await first).endedBy, 'silence');
    await audio.stopRecording('stopped');
    const second = audio.record(target);
    assert.equal(audio.isRecording, true);
    await audio.stopRecording('max-call');
    assert.equal((await second).endedBy, 'max-call');
    assert.equal(audio.isRecording, false);
    assert.deepEqual(session.log, ['record', 'record', 'stop recording: max-call']);
  });

  test('stopped twice at once: the session is asked once, the first reason counts', async () => {
    const { audio, session } = attached();
    const recording = audio.record(target);
    await Promise.all([audio.stopRecording('max-call'), audio.stopRecording('stopped')]);
    assert.equal((await recording).endedBy, 'max-call');
    assert.deepEqual(session.log, ['record', 'stop recording: max-call']);
  });

  test('a beep of the other side is waited for', async () => {
    const { audio, session } = attached();
    const heard = audio.hearBeep();
    session.listener.beepHeard();
    await heard;
  });

  test('closing ends what plays; closing again does nothing', async () => {
    const { audio, session } = attached();
    const playing = audio.play([{ kind: 'beep' }]);
    assert.notEqual(await audio.close(), undefined);
    await playing;
    assert.equal(await audio.close(), undefined);
    assert.deepEqual(session.log, ['play beep', 'close']);
  });
});
