import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type NonInviteClientInput,
  type NonInviteClientState,
  NonInviteClientTransaction,
} from '../../../../../src/protocol/sip/transaction/non-invite-client.js';

const wire = 'BYE sip:1000@192.0.2.1 SIP/2.0\r\n\r\n';
const started = { kind: 'started' } as const;
const failed = { kind: 'transport-failed' } as const;
const heard = (status: number) => ({ kind: 'response', status }) as const;
const fired = (timer: 'E' | 'F' | 'K') => ({ kind: 'timer-fired', timer }) as const;

const waysTo: Readonly<Record<NonInviteClientState, readonly NonInviteClientInput[]>> = {
  unsent: [],
  trying: [started],
  proceeding: [started, heard(100)],
  completed: [started, heard(200)],
  terminated: [started, heard(200), fired('K')],
};

function machineIn(state: NonInviteClientState, reliable = false): NonInviteClientTransaction {
  const tx = new NonInviteClientTransaction({ wire, reliable });
  for (const input of waysTo[state]) tx.handle(input);
  assert.equal(tx.state, state);
  return tx;
}

function intervalsOf(tx: NonInviteClientTransaction, times: number): unknown[] {
  return Array.from({ length: times }, () => {
    const [send, start] = tx.handle(fired('E'));
    assert.deepEqual(send, { kind: 'send', wire });
    return start?.kind === 'start-timer' ? start.afterMs : undefined;
  });
}

describe('NonInviteClientTransaction (RFC 3261 §17.1.2)', () => {
  test('unsent + started over UDP -> trying, timer E at T1, timer F at 64*T1', () => {
    assert.deepEqual(machineIn('unsent').handle(started), [
      { kind: 'send', wire },
      { kind: 'start-timer', timer: 'E', afterMs: 500 },
      { kind: 'start-timer', timer: 'F', afterMs: 32_000 },
      { kind: 'state-changed', to: 'trying' },
    ]);
  });

  test('unsent + started over TCP -> no timer E', () => {
    assert.deepEqual(machineIn('unsent', true).handle(started), [
      { kind: 'send', wire },
      { kind: 'start-timer', timer: 'F', afterMs: 32_000 },
      { kind: 'state-changed', to: 'trying' },
    ]);
  });

  test('trying + timer E repeats -> interval doubles and stops at T2', () => {
    assert.deepEqual(intervalsOf(machineIn('trying'), 5), [1_000, 2_000, 4_000, 4_000, 4_000]);
  });

  test('proceeding + timer E repeats -> interval is T2', () => {
    assert.deepEqual(intervalsOf(machineIn('proceeding'), 3), [4_000, 4_000, 4_000]);
  });

  test('trying + 100 -> proceeding, proceeding + 100 stays; the user is told of both', () => {
    assert.deepEqual(machineIn('trying').handle(heard(100)), [
      { kind: 'tell-user', event: 'provisional' },
      { kind: 'state-changed', to: 'proceeding' },
    ]);
    assert.deepEqual(machineIn('proceeding').handle(heard(100)), [{ kind: 'tell-user', event: 'provisional' }]);
  });

  test('trying or proceeding + final over UDP -> completed, timer K at T4', () => {
    for (const state of ['trying', 'proceeding'] as const) {
      for (const status of [200, 302, 481, 699]) {
        assert.deepEqual(machineIn(state).handle(heard(status)), [
          { kind: 'stop-timer', timer: 'E' },
          { kind: 'stop-timer', timer: 'F' },
          { kind: 'start-timer', timer: 'K', afterMs: 5_000 },
          { kind: 'state-changed', to: 'completed' },
          { kind: 'tell-user', event: 'final' },
        ]);
      }
    }
  });

  test('trying + final over TCP -> timer K at 0 ms', () => {
    const outputs = machineIn('trying', true).handle(heard(200));
    assert.ok(outputs.some((o) => o.kind === 'start-timer' && o.timer === 'K' && o.afterMs === 0));
  });

  test('trying or proceeding + timer F -> terminated, the user is told of the timeout', () => {
    for (const state of ['trying', 'proceeding'] as const) {
      assert.deepEqual(machineIn(state).handle(fired('F')), [
        { kind: 'stop-timer', timer: 'E' },
        { kind: 'stop-timer', timer: 'F' },
        { kind: 'state-changed', to: 'terminated' },
        { kind: 'tell-user', event: 'timeout' },
      ]);
    }
  });

  test('trying or proceeding + transport failure -> terminated, the user is told', () => {
    for (const state of ['trying', 'proceeding'] as const) {
      const tx = machineIn(state);
      assert.deepEqual(tx.handle(failed).at(-1), { kind: 'tell-user', event: 'transport-error' });
      assert.equal(tx.state, 'terminated');
    }
  });

  test('completed + timer K -> terminated', () => {
    assert.deepEqual(machineIn('completed').handle(fired('K')), [{ kind: 'state-changed', to: 'terminated' }]);
  });

  test('every other pair of state and input is absorbed', () => {
    const absorbed: readonly (readonly [NonInviteClientState, readonly NonInviteClientInput[]])[] = [
      ['unsent', [heard(100), heard(200), failed, fired('E'), fired('F'), fired('K')]],
      ['trying', [started, fired('K')]],
      ['proceeding', [started, fired('K')]],
      ['completed', [started, heard(100), heard(200), failed, fired('E'), fired('F')]],
      ['terminated', [started, heard(100), heard(200), failed, fired('E'), fired('F'), fired('K')]],
    ];
    for (const [state, inputs] of absorbed) {
      for (const input of inputs) {
        const tx = machineIn(state);
        assert.deepEqual(tx.handle(input), [], `${state} + ${JSON.stringify(input)}`);
        assert.equal(tx.state, state);
      }
    }
  });

  test('a status that is none is a RangeError', () => {
    for (const status of [99, 700]) assert.throws(() => machineIn('trying').handle(heard(status)), RangeError);
  });
});
