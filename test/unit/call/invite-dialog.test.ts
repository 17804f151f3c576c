import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { InviteDialog, type InviteDialogInput, type InviteDialogOutput } from '../../../src/call/invite-dialog.js';

const answered: InviteDialogInput = { kind: 'answered', sequence: 1, offers: false };
const offering: InviteDialogInput = { kind: 'answered', sequence: 1, offers: true };
const ack: InviteDialogInput = { kind: 'ack-received', sequence: 1 };
const hangUp: InviteDialogInput = { kind: 'hang-up' };
const bye: InviteDialogInput = { kind: 'bye-received' };
const reinvite: InviteDialogInput = { kind: 'modification-received', method: 'INVITE', hasOffer: true };
const update: InviteDialogInput = { kind: 'modification-received', method: 'UPDATE', hasOffer: true };

function after(...inputs: readonly InviteDialogInput[]): InviteDialog {
  const dialog = new InviteDialog();
  for (const input of inputs) dialog.handle(input);
  return dialog;
}

const kinds = (outputs: readonly InviteDialogOutput[]): readonly string[] => outputs.map(({ kind }) => kind);

describe('InviteDialog (RFC 3261 §13.3.1.4, §14.2, §15)', () => {
  test('early + 2xx -> unacknowledged, repeated after T1, given up after 64*T1', () => {
    const dialog = after();
    assert.deepEqual(dialog.handle(answered), [
      { kind: 'start-timer', timer: 'repeat', afterMs: 500 },
      { kind: 'start-timer', timer: 'give-up', afterMs: 32_000 },
      { kind: 'state-changed', to: 'unacknowledged' },
    ]);
  });

  test('unacknowledged + repeat timer -> 2xx again, the interval doubles up to T2', () => {
    const dialog = after(answered);
    const intervals = [1, 2, 3, 4, 5].map(() => {
      const [repeat, start] = dialog.handle({ kind: 'timer-fired', timer: 'repeat' });
      assert.equal(repeat?.kind, 'repeat-response');
      return start?.kind === 'start-timer' ? start.afterMs : undefined;
    });
    assert.deepEqual(intervals, [1_000, 2_000, 4_000, 4_000, 4_000]);
  });

  test('unacknowledged + ACK -> confirmed, timers stopped', () => {
    const dialog = after(answered);
    assert.deepEqual(dialog.handle(ack), [
      { kind: 'stop-timer', timer: 'repeat' },
      { kind: 'stop-timer', timer: 'give-up' },
      { kind: 'state-changed', to: 'confirmed' },
      { kind: 'tell-user', event: 'acknowledged' },
    ]);
  });

  test('ACK of another INVITE is absorbed', () => {
    assert.deepEqual(after(answered).handle({ kind: 'ack-received', sequence: 2 }), []);
  });

  test('ACK again is absorbed', () => {
    assert.deepEqual(after(answered, ack).handle(ack), []);
  });

  test('no ACK within 64*T1 -> BYE, closing', () => {
    const dialog = after(answered);
    assert.deepEqual(kinds(dialog.handle({ kind: 'timer-fired', timer: 'give-up' })), [
      'stop-timer',
      'send-bye',
      'state-changed',
      'tell-user',
    ]);
    assert.equal(dialog.state, 'closing');
  });

  test('early + CANCEL -> 487, terminated', () => {
    const dialog = after();
    assert.deepEqual(dialog.handle({ kind: 'cancelled' }), [
      { kind: 'refuse-invite' },
      { kind: 'state-changed', to: 'terminated' },
      { kind: 'tell-user', event: 'cancelled' },
    ]);
  });

  test('CANCEL after the answer has no effect (§9.2)', () => {
    assert.deepEqual(after(answered).handle({ kind: 'cancelled' }), []);
  });

  test('early + BYE -> 487 to the INVITE, terminated (§15.1.2)', () => {
    const dialog = after();
    assert.deepEqual(kinds(dialog.handle(bye)), ['refuse-invite', 'state-changed', 'tell-user']);
    assert.equal(dialog.state, 'terminated');
  });

  test('unacknowledged + BYE -> hung up, timers stopped', () => {
    const dialog = after(answered);
    assert.deepEqual(kinds(dialog.handle(bye)), ['stop-timer', 'stop-timer', 'state-changed', 'tell-user']);
  });

  test('hang-up before the ACK waits for it, then sends BYE (§15)', () => {
    const dialog = after(answered);
    assert.deepEqual(dialog.handle(hangUp), [{ kind: 'state-changed', to: 'leaving' }]);
    assert.ok(kinds(dialog.handle(ack)).includes('send-bye'));
    assert.equal(dialog.state, 'closing');
  });

  test('hang-up before the ACK: the 2xx is repeated on, BYE after 64*T1', () => {
    const dialog = after(answered, hangUp);
    assert.equal(dialog.handle({ kind: 'timer-fired', timer: 'repeat' })[0]?.kind, 'repeat-response');
    assert.ok(kinds(dialog.handle({ kind: 'timer-fired', timer: 'give-up' })).includes('send-bye'));
  });

  test('confirmed + hang-up -> BYE; its answer ends everything', () => {
    const dialog = after(answered, ack);
    assert.deepEqual(kinds(dialog.handle(hangUp)), ['send-bye', 'state-changed']);
    assert.deepEqual(dialog.handle({ kind: 'bye-answered' }), [{ kind: 'state-changed', to: 'terminated' }]);
  });

  test('BYE of both sides at once -> terminated, the answer to ours is absorbed', () => {
    const dialog = after(answered, ack, hangUp, bye);
    assert.equal(dialog.state, 'terminated');
    assert.deepEqual(dialog.handle({ kind: 'bye-answered' }), []);
  });

  test('a second INVITE before the first is answered -> busy (§14.2)', () => {
    assert.deepEqual(after().handle(reinvite), [{ kind: 'modification', verdict: 'busy' }]);
  });

  test('UPDATE with an offer before the answer -> busy; without one it is carried out (RFC 3311 §5.2)', () => {
    assert.deepEqual(after().handle(update), [{ kind: 'modification', verdict: 'busy' }]);
    assert.deepEqual(after().handle({ ...update, hasOffer: false }), [{ kind: 'modification', verdict: 'process' }]);
  });

  test('re-INVITE or offer while ours is open -> glare', () => {
    assert.deepEqual(after(offering).handle(reinvite), [{ kind: 'modification', verdict: 'glare' }]);
    assert.deepEqual(after(offering).handle(update), [{ kind: 'modification', verdict: 'glare' }]);
  });

  test('re-INVITE while the ACK was lost proves it (RFC 5407 §3.1.4)', () => {
    const dialog = after(answered);
    assert.deepEqual(kinds(dialog.handle(reinvite)), [
      'stop-timer',
      'stop-timer',
      'state-changed',
      'tell-user',
      'modification',
    ]);
    assert.equal(dialog.state, 'confirmed');
  });

  test('confirmed + 2xx to a re-INVITE -> unacknowledged again, intervals from T1', () => {
    const dialog = after(answered, { kind: 'timer-fired', timer: 'repeat' }, ack, reinvite);
    assert.deepEqual(dialog.handle({ kind: 'answered', sequence: 2, offers: false })[0], {
      kind: 'start-timer',
      timer: 'repeat',
      afterMs: 500,
    });
  });

  test('modification of a call that ends -> over', () => {
    for (const dialog of [after(answered, hangUp), after(answered, ack, hangUp), after(answered, ack, bye)]) {
      assert.deepEqual(dialog.handle(update), [{ kind: 'modification', verdict: 'over' }]);
    }
  });

  test('any order of inputs: BYE is sent at most once, never before the answer, and nothing follows terminated', () => {
    const inputs = fc.constantFrom<InviteDialogInput>(
      { kind: 'refused' },
      { kind: 'cancelled' },
      answered,
      offering,
      ack,
      reinvite,
      update,
      bye,
      hangUp,
      { kind: 'bye-answered' },
      { kind: 'timer-fired', timer: 'repeat' },
      { kind: 'timer-fired', timer: 'give-up' },
    );
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 20 }), (sequence) => {
        const dialog = new InviteDialog();
        let byes = 0;
        for (const input of sequence) {
          const before = dialog.state;
          const outputs = dialog.handle(input);
          if (kinds(outputs).includes('send-bye')) {
            byes += 1;
            assert.notEqual(before, 'early');
          }
          if (before === 'terminated') assert.ok(outputs.every(({ kind }) => kind === 'modification'));
        }
        assert.ok(byes <= 1);
      }),
    );
  });
});
