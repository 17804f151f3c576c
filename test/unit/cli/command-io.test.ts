import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERRORS, type ErrorCode, UmError } from '../../../src/base/errors.js';
import { printFault } from '../../../src/cli/command-io.js';
import { ScriptedIo } from '../../support/scripted-io.js';

function faultOf(fault: unknown, json = false): { status: number; out: string; err: string } {
  const io = new ScriptedIo();
  const status = printFault(io, json, fault);
  return { status, out: io.bytes.toString(), err: io.told };
}

describe('printFault', () => {
  test('says what, why, the code and what to do', () => {
    const { err } = faultOf(new UmError('daemon-absent', '/var/lib/openum'));
    assert.match(err, /no OpenUM is running.*\/var\/lib\/openum.*\[daemon-absent\]\n {2}start it with/);
  });

  test('several lines of detail stand below each other', () => {
    assert.match(faultOf(new UmError('config-faulty', 'one\ntwo')).err, /:\n {2}one\n {2}two/);
  });

  test('exit statuses are those of the table', () => {
    const statuses = (
      ['usage-wrong', 'daemon-absent', 'not-found', 'call-failed', 'file-unusable'] satisfies ErrorCode[]
    ).map((code) => faultOf(new UmError(code, 'x')).status);
    assert.deepEqual(statuses, [2, 3, 4, 1, 1]);
  });

  test('a bug of ours is shown with its stack, as internal-fault', () => {
    const { status, out } = faultOf(new TypeError('bug'), true);
    assert.equal(status, 1);
    assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'internal-fault');
  });

  test('every error has one clause of summary and of advice', () => {
    for (const { summary, advice } of Object.values(ERRORS)) {
      assert.doesNotMatch(summary, /\.$|\n/);
      assert.doesNotMatch(advice, /\.$|\n/);
    }
  });
});
