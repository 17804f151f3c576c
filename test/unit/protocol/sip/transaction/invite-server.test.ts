import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type InviteServerInput,
  type InviteServerState,
  InviteServerTransaction,
} from '../../../../../src/protocol/sip/transaction/invite-server.js';

const ringing = { kind: 'respond', status: 180, wire: 'SIP/2.0 180 Ringing\r\n\r\n' } as const;
const ok = { kind: 'respond', status: 200, wire: 'SIP/2.0 200 OK\r\n\r\n' } as const;
const busy = { kind: 'respond', status: 486, wire: 'SIP/2.0 486 Busy Here\r\n\r\n' } as const;
const invite = { kind: 'invite-retransmitted' } as const;
const ack = { kind: 'ack-received' } as const;
const failed = { kind: 'transport-failed' } as const;
const fired = (timer: 'G' | 'H' | 'I' | 'L') => ({ kind: 'timer-fired', timer }) as const;

const waysTo: Readonly<Record<InviteServerState, readonly InviteServerInput[]>> = {
  proceeding: [],
  accepted: [ok],
  completed: [busy],
  confirmed: [busy, ack],
  terminated: [busy, ack, fired('I')],
};

function machineIn(state: InviteServerState, reliable = false): InviteServerTransaction {
  const tx = new InviteServerTransaction({ reliable });
  for (const input of waysTo[state]) tx.handle(input);
  assert.equal(tx.state, state);
  return tx;
}

describe('InviteServerTransaction (RFC 3261 §17.2.1, RFC 6026 §7.1)', () => {
  test('proceeding + 180 -> sent, stays', () => {
    const tx = machineIn('proceeding');
    assert.deepEqual(tx.handle(ringing), [{ kind: 'send', wire: ringing.wire }]);
    assert.equal(tx.state, 'proceeding');
  });

  test('proceeding + 486 over UDP -> completed, timer G at T1, timer H at 64*T1', () => {
    assert.deepEqual(machineIn('proceeding').handle(busy), [
      { kind: 'send', wire: busy.wire },
      { kind: 'start-timer', timer: 'G', afterMs: 500 },
      { kind: 'start-timer', timer: 'H', afterMs: 32_000 },
      { kind: 'state-changed', to: 'completed' },
    ]);
  });

  test('proceeding + 486 over TCP -> completed without timer G', () => {
    assert.deepEqual(machineIn('proceeding', true).handle(busy), [
      { kind: 'send', wire: busy.wire },
      { kind: 'start-timer', timer: 'H', afterMs: 32_000 },
      { kind: 'state-changed', to: 'completed' },
    ]);
  });

  test('proceeding + 200 -> accepted, timer L at 64*T1', () => {
    assert.deepEqual(machineIn('proceeding').handle(ok), [
      { kind: 'send', wire: ok.wire },
      { kind: 'start-timer', timer: 'L', afterMs: 32_000 },
      { kind: 'state-changed', to: 'accepted' },
    ]);
  });

  test('proceeding + INVITE again -> the last provisional response again; nothing before there is one', () => {
    const tx = machineIn('proceeding');
    assert.deepEqual(tx.handle(invite), []);
    tx.handle(ringing);
    assert.deepEqual(tx.handle(invite), [{ kind: 'send', wire: ringing.wire }]);
  });

  test('completed + INVITE again -> the final response again', () => {
    assert.deepEqual(machineIn('completed').handle(invite), [{ kind: 'send', wire: busy.wire }]);
  });

  test('completed + timer G repeats -> interval doubles and stops at T2', () => {
    const tx = machineIn('completed');
    const intervals = [1, 2, 3, 4, 5].map(() => {
      const [, start] = tx.handle(fired('G'));
      return start?.kind === 'start-timer' ? start.afterMs : undefined;
    });
    assert.deepEqual(intervals, [1000, 2000, 4000, 4000, 4000]);
  });

  test('completed + ACK over TLS -> confirmed, timer I at 0 ms', () => {
    assert.deepEqual(machineIn('completed', true).handle(ack), [
      { kind: 'stop-timer', timer: 'G' },
      { kind: 'stop-timer', timer: 'H' },
      { kind: 'start-timer', timer: 'I', afterMs: 0 },
      { kind: 'state-changed', to: 'confirmed' },
    ]);
  });

  test('completed + ACK over UDP -> confirmed, timer I at T4', () => {
    const outputs = machineIn('completed').handle(ack);
    assert.ok(outputs.some((o) => o.kind === 'start-timer' && o.timer === 'I' && o.afterMs === 5_000));
  });

  test('completed + timer H -> the user is told, terminated', () => {
    assert.deepEqual(machineIn('completed').handle(fired('H')), [
      { kind: 'tell-user', event: 'timeout' },
      { kind: 'stop-timer', timer: 'G' },
      { kind: 'state-changed', to: 'terminated' },
    ]);
  });

  test('accepted + ACK -> passed to the user, each time', () => {
    const tx = machineIn('accepted');
    assert.deepEqual(tx.handle(ack), [{ kind: 'tell-user', event: 'ack' }]);
    assert.deepEqual(tx.handle(ack), [{ kind: 'tell-user', event: 'ack' }]);
  });

  test('accepted + 200 again from the user -> sent; a 486 -> absorbed', () => {
    const tx = machineIn('accepted');
    assert.deepEqual(tx.handle(ok), [{ kind: 'send', wire: ok.wire }]);
    assert.deepEqual(tx.handle(busy), []);
  });

  test('accepted + INVITE again -> absorbed', () => {
    assert.deepEqual(machineIn('accepted').handle(invite), []);
  });

  test('accepted + timer L, confirmed + timer I -> terminated', () => {
    const ended = [{ kind: 'state-changed', to: 'terminated' }];
    assert.deepEqual(machineIn('accepted').handle(fired('L')), ended);
    assert.deepEqual(machineIn('confirmed').handle(fired('I')), ended);
  });

  test('a transport failure tells the user and changes no state (RFC 6026 §7.1)', () => {
    for (const state of ['proceeding', 'accepted', 'completed'] as const) {
      const tx = machineIn(state);
      assert.deepEqual(tx.handle(failed), [{ kind: 'tell-user', event: 'transport-error' }]);
      assert.equal(tx.state, state);
    }
  });

  test('every other pair of state and input is absorbed', () => {
    const absorbed: readonly (readonly [InviteServerState, readonly InviteServerInput[]])[] = [
      ['proceeding', [ack, fired('G'), fired('H'), fired('I'), fired('L')]],
      ['accepted', [fired('G'), fired('H'), fired('I')]],
      ['completed', [ringing, ok, busy, fired('I'), fired('L')]],
      ['confirmed', [invite, ack, ringing, ok, busy, fired('G'), fired('H'), fired('L')]],
      ['terminated', [invite, ack, ringing, ok, busy, fired('G'), fired('H'), fired('I'), fired('L')]],
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
    const tx = machineIn('proceeding');
    for (const status of [99, 700]) assert.throws(() => tx.handle({ kind: 'respond', status, wire: '' }), RangeError);
  });
});
