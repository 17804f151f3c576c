import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeInitialPins } from '../../../src/services/initial-pins.js';
import { recordSyncs } from '../../support/synced-paths.js';

test('PINs lie in a file for the owner only, also where another lay, and outlive a power cut', async (t) => {
  const data = realpathSync(mkdtempSync(join(tmpdir(), 'openum-pins-')));
  writeFileSync(join(data, 'initial-pins.txt'), 'old', { mode: 0o644 });
  const synced = await recordSyncs(t);
  const path = await writeInitialPins(data, new Map([['1000', '271828']]));
  assert.equal(path, join(data, 'initial-pins.txt'));
  assert.equal(readFileSync(path, 'utf8'), '  mailbox 1000: PIN 271828\n');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(synced, [path, data]);
  rmSync(data, { recursive: true });
});
