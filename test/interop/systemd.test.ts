import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfig } from '../support/sip-scene.js';

const top = fileURLToPath(new URL('../..', import.meta.url));
const unit = readFileSync(join(top, 'config/systemd/openum.service'), 'utf8');

/** The values of a setting, in order. */
function valuesOf(setting: string): string[] {
  return unit
    .split('\n')
    .filter((line) => line.startsWith(`${setting}=`))
    .map((line) => line.slice(setting.length + 1));
}

function analyze(...args: readonly string[]): Promise<{ readonly status: number; readonly words: string }> {
  return new Promise((done) => {
    const child = execFile('systemd-analyze', [...args], (_fault, stdout, stderr) => {
      done({ status: child.exitCode ?? 1, words: `${stdout}${stderr}` });
    });
  });
}

test('systemd-analyze verify finds nothing to say about the unit', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openum-unit-'));
  const installed = join(directory, 'openum.service');
  // The program is where this checkout is, not yet in /opt; everything else is checked as it ships.
  writeFileSync(installed, unit.replaceAll('/opt/openum/bin/openum', join(top, 'bin/openum')));
  const { status, words } = await analyze('verify', '--recursive-errors=no', installed);
  rmSync(directory, { recursive: true });
  assert.equal(words, '');
  assert.equal(status, 0);
});

test('systemd calls the exposure of the unit at most "OK"', async () => {
  const { words } = await analyze(
    'security',
    '--offline=yes',
    '--threshold=30',
    join(top, 'config/systemd/openum.service'),
  );
  assert.match(words, /Overall exposure level for openum\.service: [0-2]\.\d/);
});

test('a stop waits longer than DrainTimeout does by default', () => {
  assert(Number(valuesOf('TimeoutStopSec')[0]) > testConfig().drainTimeoutS + 60);
});

test('what stands in the way of a start is tried again for longer than a call lasts, and not for ever', () => {
  assert.deepEqual(valuesOf('RestartPreventExitStatus'), []);
  const restartS = Number(valuesOf('RestartSec')[0]);
  const starts = Number(valuesOf('StartLimitBurst')[0]);
  const withinS = Number(valuesOf('StartLimitIntervalSec')[0]);
  assert(
    restartS * starts > testConfig().drainTimeoutS,
    'calls that outlive their supervisor hold its ports for so long',
  );
  const longestStartS = 40; // the store is in use by somebody else all the time
  assert((restartS + longestStartS) * starts < withinS, 'a start that fails always ends the trying');
});

test('V8 may compile', () => {
  assert.deepEqual(valuesOf('MemoryDenyWriteExecute'), []);
});
