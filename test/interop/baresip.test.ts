import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decode } from '../../src/media/g711.js';
import { type Daemon, ownLoopbackAddress } from '../support/daemon.js';
import { requireProgram, runProgramOf } from '../support/debian-program.js';
import { type MessageFacts, payloadOf, Site, speech } from '../support/site.js';

requireProgram('baresip', 'baresip-core');

const spoken = speech(20, 41);

let site: Site;
let daemon: Daemon;

before(async () => {
  site = await Site.make({ which: 2 });
  daemon = await site.start();
});

after(async () => {
  await daemon.dispose();
  site.remove();
});

/** A WAV file of 16-bit samples, the only format that baresip's aufile reads. */
function linearWav(samples: Int16Array): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  for (const [k, field] of [1, 1, 8_000, 0, 16_000, 0, 2, 16].entries()) header.writeUInt16LE(field, 20 + 2 * k);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)]);
}

/** A baresip that speaks a WAV file and writes what it hears to nowhere; dials at its start, quits after some seconds. */
function configure(folder: string, local: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'speech.wav'), linearWav(decode('PCMU', spoken)));
  const lines = [
    `sip_listen ${local}:0`,
    'audio_player aubridge,nowhere',
    `audio_source aufile,${join(folder, 'speech.wav')}`,
    'audio_alert aubridge,nowhere',
    'module_path /usr/lib/baresip/modules',
    'module g711.so',
    'module aubridge.so',
    'module aufile.so',
    'module_app account.so',
    'module_app menu.so',
  ];
  writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'accounts'), `<sip:5554321@${local};transport=tcp>;regint=0\n`);
  writeFileSync(join(folder, 'contacts'), '');
}

describe('baresip as a telephone', () => {
  test('dials an extension, without Diversion, and leaves a message through all three hops', async () => {
    const folder = join(site.data, 'baresip');
    configure(folder, ownLoopbackAddress(3));
    const { ended } = runProgramOf(
      'baresip',
      ['-f', folder, '-e', `/dial sip:1001@${site.listen};transport=tcp`, '-t', '12'],
      { cwd: site.data },
    );
    const { output } = await ended;
    await daemon.logged(({ event }) => event === 'message-stored');
    const [message] = (await daemon.json('messages')) as readonly MessageFacts[];
    assert.equal(message?.mailbox, '1001@example.test', output);
    assert.equal(message.from, '5554321');
    // It speaks from the answer on, the recording begins after the beep: some later seconds must be there byte by byte.
    const stored = payloadOf(message.audioFile ?? '');
    assert.notEqual(stored.indexOf(Buffer.from(spoken.subarray(16_000, 40_000))), -1, output);
  });
});
