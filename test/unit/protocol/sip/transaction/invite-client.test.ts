import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type InviteClientInput,
  type InviteClientState,
  type InviteClientTimer,
  InviteClientTransaction,
} from '../../../../../src/protocol/sip/transaction/invite-client.js';

const wire = 'INVITE sip:1000@192.0.2.1 SIP/2.0\r\n\r\n';
const started = { kind: 'started' } as const;
const cancel = { kind: 'cancel' } as const;
const failed = { kind: 'transport-failed' } as const;
const heard = (status: number) => ({ kind: 'response', status }) as const;
const fired = (timer: InviteClientTimer) => ({ kind: 'timer-fired', timer }) as const;
const everyTimer = (['A', 'B', 'D', 'M', 'cancel'] as const).map(fired);

const waysTo: Readonly<Record<InviteClientState, readonly InviteClientInput[]>> = {
  unsent: [],
  calling: [started],
  'calling-cancelled': [started, cancel],
  proceeding: [started, heard(180)],
  cancelled: [started, heard(180), cancel],
  accepted: [started, heard(200)],
  completed: [started, heard(486)],
  terminated: [started, heard(486), fired('D')],
};

function machineIn(state: InviteClientState, reliable = false): InviteClientTransaction {
  const tx = new InviteClientTransaction({ wire, reliable });
  for (const input of waysTo[state]) tx.handle(input);
  assert.equal(tx.state, state);
  return tx;
}

describe('InviteClientTransaction (RFC 3261 §17.1.1, RFC 6026 §7.2)', () => {
  test('unsent + started over UDP -> calling, timer A at T1, timer B at 64*T1', () => {
    assert.deepEqual(machineIn('unsent').handle(started), [
      { kind: 'send', wire },
      { kind: 'start-timer', timer: 'A', afterMs: 500 },
      { kind: 'start-timer', timer: 'B', afterMs: 32_000 },
      { kind: 'state-changed', to: 'calling' },
    ]);
  });

  test('unsent + started over TCP -> no timer A', () => {
    assert.deepEqual(machineIn('unsent', true).handle(started), [
      { kind: 'send', wire },
      { kind: 'start-timer', timer: 'B', afterMs: 32_000 },
      { kind: 'state-changed', to: 'calling' },
    ]);
  });

  test('calling + timer A repeats -> the INVITE again, the interval doubles without end', () => {
    const tx = machineIn('calling');
    const intervals = [1, 2, 3, 4, 5].map(() => {
      const [send, start] = tx.handle(fired('A'));
      assert.deepEqual(send, { kind: 'send', wire });
      return start?.kind === 'start-timer' ? start.afterMs : undefined;
    });
    assert.deepEqual(intervals, [1_000, 2_000, 4_000, 8_000, 16_000]);
  });

  test('calling + timer B -> terminated, the user is told of the timeout', () => {
    for (const state of ['calling', 'calling-cancelled'] as const) {
      assert.deepEqual(machineIn(state).handle(fired('B')), [
        { kind: 'stop-timer', timer: 'A' },
        { kind: 'state-changed', to: 'terminated' },
        { kind: 'tell-user', event: 'timeout' },
      ]);
    }
  });

  test('calling + 180 -> proceeding, retransmission stops, the user is told', () => {
    assert.deepEqual(machineIn('calling').handle(heard(180)), [
      { kind: 'stop-timer', timer: 'A' },
      { kind: 'stop-timer', timer: 'B' },
      { kind: 'state-changed', to: 'proceeding' },
      { kind: 'tell-user', event: 'provisional' },
    ]);
  });

  test('proceeding or cancelled + 183 -> the user is told, stays', () => {
    for (const state of ['proceeding', 'cancelled'] as const) {
      const tx = machineIn(state);
      assert.deepEqual(tx.handle(heard(183)), [{ kind: 'tell-user', event: 'provisional' }]);
      assert.equal(tx.state, state);
    }
  });

  test('calling, proceeding or cancelled + 200 -> accepted without ACK, timer M at 64*T1', () => {
    for (const state of ['calling', 'calling-cancelled', 'proceeding', 'cancelled'] as const) {
      const outputs = machineIn(state).handle(heard(200));
      assert.deepEqual(
        outputs.filter((o) => o.kind !== 'stop-timer'),
        [
          { kind: 'start-timer', timer: 'M', afterMs: 32_000 },
          { kind: 'state-changed', to: 'accepted' },
          { kind: 'tell-user', event: 'final' },
        ],
      );
    }
  });

  test('calling, proceeding or cancelled + 486 over UDP -> ACK, completed, timer D at 32 s', () => {
    for (const state of ['calling', 'calling-cancelled', 'proceeding', 'cancelled'] as const) {
      assert.deepEqual(machineIn(state).handle(heard(486)), [
        { kind: 'stop-timer', timer: 'A' },
        { kind: 'stop-timer', timer: 'B' },
        { kind: 'stop-timer', timer: 'cancel' },
        { kind: 'acknowledge' },
        { kind: 'start-timer', timer: 'D', afterMs: 32_000 },
        { kind: 'state-changed', to: 'completed' },
        { kind: 'tell-user', event: 'final' },
      ]);
    }
  });

  test('timer D is at least 32 s however small T1 is, and 0 ms over TCP', () => {
    const timers = { t1: 100, t2: 4_000, t4: 5_000 };
    const afterMs = (reliable: boolean): unknown => {
      const tx = new InviteClientTransaction({ wire, reliable, timers });
      tx.handle(started);
      return tx.handle(heard(302)).find((o) => o.kind === 'start-timer')?.afterMs;
    };
    assert.equal(afterMs(false), 32_000);
    assert.equal(afterMs(true), 0);
  });

  test('completed + 486 again -> ACK again, the user is not told', () => {
    assert.deepEqual(machineIn('completed').handle(heard(486)), [{ kind: 'acknowledge' }]);
  });

  test('accepted + 200 again, from whatever branch of a fork -> passed to the user', () => {
    assert.deepEqual(machineIn('accepted').handle(heard(200)), [{ kind: 'tell-user', event: 'final' }]);
  });

  test('completed + timer D, accepted + timer M -> terminated', () => {
    assert.deepEqual(machineIn('completed').handle(fired('D')), [{ kind: 'state-changed', to: 'terminated' }]);
    assert.deepEqual(machineIn('accepted').handle(fired('M')), [{ kind: 'state-changed', to: 'terminated' }]);
  });

  test('calling + cancel -> the CANCEL waits for a provisional response (§9.1)', () => {
    const tx = machineIn('calling');
    assert.deepEqual(tx.handle(cancel), [{ kind: 'state-changed', to: 'calling-cancelled' }]);
    assert.deepEqual(
      tx.handle(fired('A')).map((o) => o.kind),
      ['send', 'start-timer'],
    );
    assert.deepEqual(tx.handle(heard(100)), [
      { kind: 'stop-timer', timer: 'A' },
      { kind: 'stop-timer', timer: 'B' },
      { kind: 'send-cancel' },
      { kind: 'start-timer', timer: 'cancel', afterMs: 32_000 },
      { kind: 'state-changed', to: 'cancelled' },
      { kind: 'tell-user', event: 'provisional' },
    ]);
  });

  test('proceeding + cancel -> CANCEL at once', () => {
    assert.deepEqual(machineIn('proceeding').handle(cancel), [
      { kind: 'send-cancel' },
      { kind: 'start-timer', timer: 'cancel', afterMs: 32_000 },
      { kind: 'state-changed', to: 'cancelled' },
    ]);
  });

  test('cancelled + timer cancel -> terminated, the user is told of the timeout (§9.1)', () => {
    assert.deepEqual(machineIn('cancelled').handle(fired('cancel')), [
      { kind: 'state-changed', to: 'terminated' },
      { kind: 'tell-user', event: 'timeout' },
    ]);
  });

  test('calling + transport failure -> terminated, the user is told', () => {
    for (const state of ['calling', 'calling-cancelled'] as const) {
      assert.deepEqual(machineIn(state).handle(failed), [
        { kind: 'stop-timer', timer: 'A' },
        { kind: 'stop-timer', timer: 'B' },
        { kind: 'state-changed', to: 'terminated' },
        { kind: 'tell-user', event: 'transport-error' },
      ]);
    }
  });

  test('completed + transport failure of the ACK -> terminated, no second end is told', () => {
    assert.deepEqual(machineIn('completed').handle(failed), [
      { kind: 'stop-timer', timer: 'D' },
      { kind: 'state-changed', to: 'terminated' },
    ]);
  });

  test('every other pair of state and input is absorbed', () => {
    const timersBut = (...names: readonly InviteClientTimer[]): readonly InviteClientInput[] =>
      everyTimer.filter(({ timer }) => !names.includes(timer));
    const absorbed: readonly (readonly [InviteClientState, readonly InviteClientInput[]])[] = [
      ['unsent', [heard(180), heard(200), heard(486), cancel, failed, ...everyTimer]],
      ['calling', [started, ...timersBut('A', 'B')]],
      ['calling-cancelled', [started, cancel, ...timersBut('A', 'B')]],
      ['proceeding', [started, failed, ...everyTimer]],
      ['cancelled', [started, cancel, failed, ...timersBut('cancel')]],
      ['accepted', [started, heard(180), heard(486), cancel, failed, ...timersBut('M')]],
      ['completed', [started, heard(180), heard(200), cancel, ...timersBut('D')]],
      ['terminated', [started, heard(180), heard(200), heard(486), cancel, failed, ...everyTimer]],
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
    for (const status of [99, 700]) assert.throws(() => machineIn('calling').handle(heard(status)), RangeError);
  });
});
