import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type NonInviteServerInput,
  type NonInviteServerState,
  NonInviteServerTransaction,
} from '../../../../../src/protocol/sip/transaction/non-invite-server.js';

const started = { kind: 'started' } as const;
const again = { kind: 'request-retransmitted' } as const;
const trying = { kind: 'respond', status: 100, wire: 'SIP/2.0 100 Trying\r\n\r\n' } as const;
const ok = { kind: 'respond', status: 200, wire: 'SIP/2.0 200 OK\r\n\r\n' } as const;
const failed = { kind: 'transport-failed' } as const;
const fired = (timer: 'J' | 'late') => ({ kind: 'timer-fired', timer }) as const;

const waysTo: Readonly<Record<NonInviteServerState, readonly NonInviteServerInput[]>> = {
  trying: [started],
  proceeding: [started, trying],
  completed: [started, ok],
  terminated: [started, ok, fired('J')],
};

function machineIn(state: NonInviteServerState, reliable = false): NonInviteServerTransaction {
  const tx = new NonInviteServerTransaction({ reliable });
  for (const input of waysTo[state]) tx.handle(input);
  assert.equal(tx.state, state);
  return tx;
}

describe('NonInviteServerTransaction (RFC 3261 §17.2.2, RFC 4320)', () => {
  test('started -> 100 falls due once timer E of the client has reached T2', () => {
    const tx = new NonInviteServerTransaction({ reliable: true });
    assert.deepEqual(tx.handle(started), [{ kind: 'start-timer', timer: 'late', afterMs: 3_500 }]);
  });

  test('trying + timer late -> the driver is asked for 100', () => {
    assert.deepEqual(machineIn('trying').handle(fired('late')), [{ kind: 'tell-user', event: 'answer-is-late' }]);
  });

  test('trying + 100 -> proceeding', () => {
    assert.deepEqual(machineIn('trying').handle(trying), [
      { kind: 'send', wire: trying.wire },
      { kind: 'stop-timer', timer: 'late' },
      { kind: 'state-changed', to: 'proceeding' },
    ]);
  });

  test('trying or proceeding + 180 -> not sent (RFC 4320 §4.1)', () => {
    for (const state of ['trying', 'proceeding'] as const) {
      const tx = machineIn(state);
      assert.deepEqual(tx.handle({ kind: 'respond', status: 180, wire: 'x' }), []);
      assert.equal(tx.state, state);
    }
  });

  test('trying or proceeding + 200 over UDP -> completed, timer J at 64*T1', () => {
    for (const state of ['trying', 'proceeding'] as const) {
      assert.deepEqual(machineIn(state).handle(ok), [
        { kind: 'send', wire: ok.wire },
        { kind: 'stop-timer', timer: 'late' },
        { kind: 'start-timer', timer: 'J', afterMs: 32_000 },
        { kind: 'state-changed', to: 'completed' },
      ]);
    }
  });

  test('trying + 200 over TCP -> timer J at 0 ms', () => {
    const outputs = machineIn('trying', true).handle(ok);
    assert.ok(outputs.some((o) => o.kind === 'start-timer' && o.timer === 'J' && o.afterMs === 0));
  });

  test('trying + 408 -> completed, but nothing is sent, now or when the request comes again (RFC 4320 §4.2)', () => {
    const tx = machineIn('trying');
    const outputs = tx.handle({ kind: 'respond', status: 408, wire: 'x' });
    assert.ok(outputs.every((o) => o.kind !== 'send'));
    assert.equal(tx.state, 'completed');
    assert.deepEqual(tx.handle(again), []);
  });

  test('the request again -> the last response again; nothing in trying', () => {
    assert.deepEqual(machineIn('trying').handle(again), []);
    assert.deepEqual(machineIn('proceeding').handle(again), [{ kind: 'send', wire: trying.wire }]);
    assert.deepEqual(machineIn('completed').handle(again), [{ kind: 'send', wire: ok.wire }]);
  });

  test('proceeding + 100 again -> sent', () => {
    assert.deepEqual(machineIn('proceeding').handle(trying), [{ kind: 'send', wire: trying.wire }]);
  });

  test('completed + timer J -> terminated', () => {
    assert.deepEqual(machineIn('completed').handle(fired('J')), [{ kind: 'state-changed', to: 'terminated' }]);
  });

  test('a transport failure tells the user and changes no state (RFC 6026 §8.8)', () => {
    for (const state of ['trying', 'proceeding', 'completed'] as const) {
      const tx = machineIn(state);
      assert.deepEqual(tx.handle(failed), [{ kind: 'tell-user', event: 'transport-error' }]);
      assert.equal(tx.state, state);
    }
  });

  test('every other pair of state and input is absorbed', () => {
    const absorbed: readonly (readonly [NonInviteServerState, readonly NonInviteServerInput[]])[] = [
      ['trying', [fired('J')]],
      ['proceeding', [started, fired('late'), fired('J')]],
      ['completed', [started, trying, ok, fired('late')]],
      ['terminated', [started, again, trying, ok, failed, fired('late'), fired('J')]],
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
    const tx = machineIn('trying');
    for (const status of [99, 700]) assert.throws(() => tx.handle({ kind: 'respond', status, wire: '' }), RangeError);
  });
});
