import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { notifySystemd } from '../../../../src/platform/process/systemd-notify.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

/** A stand-in for systemd-notify that writes down its arguments and the socket it would use. */
function standIn(directory: string): string {
  const program = join(directory, 'systemd-notify');
  const script = `#!/bin/sh\necho "$* $NOTIFY_SOCKET" > ${directory}/said.new && mv ${directory}/said.new ${directory}/said\n`;
  writeFileSync(program, script);
  chmodSync(program, 0o700);
  return program;
}

test('systemd asked for it -> systemd-notify is run with the state', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openum-notify-'));
  const said = new Promise<void>((done) => {
    const watcher = watch(directory, (_event, name) => {
      if (name !== 'said') return;
      watcher.close();
      done();
    });
  });
  const program = standIn(directory);
  notifySystemd('READY=1', {
    environment: { NOTIFY_SOCKET: '/run/x', PATH: process.env['PATH'] },
    log: new RecordingLogger(),
    program,
  });
  await said;
  assert.equal(readFileSync(join(directory, 'said'), 'utf8'), 'READY=1 /run/x\n');
  rmSync(directory, { recursive: true });
});

test('the program is not installed -> one warning, and the server goes on', async () => {
  const log = new RecordingLogger();
  const warned = new Promise<void>((done) => {
    log.warn = (facts, sentence) => {
      log.lines.push({ ...facts, level: 'warn', sentence });
      done();
    };
  });
  notifySystemd('STOPPING=1', { environment: { NOTIFY_SOCKET: '/run/x' }, log, program: '/no/such/systemd-notify' });
  await warned;
  assert.deepEqual(log.events, ['systemd-notify-failed']);
});

test('not started by systemd -> nothing is run', () => {
  const log = new RecordingLogger();
  notifySystemd('READY=1', { environment: {}, log, program: '/no/such/systemd-notify' });
  assert.deepEqual(log.lines, []);
});
