import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../../../src/base/limits.js';
import { ServerTransactions } from '../../../../src/platform/sip/server-transactions.js';
import { indexMessage, type SipRequest } from '../../../../src/protocol/sip/message.js';
import { requestText, type RequestText } from '../../../integration/platform/sip/raw-peer.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { flowOf } from '../../routing/invites.js';

function requestOf(text: RequestText): SipRequest {
  const message = indexMessage(requestText(text));
  assert.ok(message.kind === 'request');
  return message;
}

/** A table without network, and for time that stands still. */
class Scene {
  readonly log = new RecordingLogger();
  readonly table: ServerTransactions;
  #begun = 0;

  constructor(limit?: number) {
    this.table = new ServerTransactions({
      log: this.log,
      timers: { start: () => ({ stop: () => undefined }) },
      send: () => undefined,
      onAck: () => undefined,
      ...(limit === undefined ? {} : { limit }),
    });
  }

  /** Begins INVITEs of `peer` that are refused, while there is room for them: at most `count`. */
  refuseInvites(count: number, peer: string): void {
    for (let k = 0; k < count; k += 1) {
      this.#begun += 1;
      const request = requestOf({ callId: `call-${String(this.#begun)}` });
      if (!this.table.hasRoomFor(request)) return;
      this.table.begin({ request, flow: flowOf({ peer }) }).incoming?.respond({ status: 403 });
    }
  }

  acknowledge(callId: string): void {
    const ack = requestOf({ method: 'ACK', callId, toTag: 'x' });
    this.table.matching(ack)?.acknowledged(ack, flowOf());
  }

  takes(text: RequestText): boolean {
    return this.table.hasRoomFor(requestOf({ callId: 'another', ...text }));
  }
}

describe('ServerTransactions', () => {
  test('limit sipServerTransactions: a flood of INVITEs that nobody acknowledges', () => {
    const scene = new Scene();
    scene.refuseInvites(LIMITS.sipServerTransactions + 1_000, '192.0.2.66');
    assert.equal(scene.table.count, LIMITS.sipServerTransactions);
    assert.ok(!scene.takes({}));
    assert.ok(scene.takes({ toTag: 'ours' }));
    scene.table.stop();
  });

  test('the log names the peer that has most of them', () => {
    const scene = new Scene(100);
    scene.refuseInvites(30, '192.0.2.5');
    scene.refuseInvites(60, '192.0.2.66');
    scene.refuseInvites(100, '192.0.2.7');
    const [line, ...more] = scene.log.lines;
    assert.ok(line);
    assert.deepEqual([line['busiestPeer'], line['count']], ['192.0.2.66', 60]);
    assert.deepEqual(more, []);
  });

  test('an overload lasts until there is clearly room again: it does not end and begin with every request', () => {
    const scene = new Scene(100);
    scene.refuseInvites(101, '192.0.2.66');
    for (let call = 1; call <= 10; call += 1) {
      scene.acknowledge(`call-${String(call)}`);
      scene.refuseInvites(2, '192.0.2.66');
    }
    assert.deepEqual(scene.log.events, ['overload-begins']);
    for (let call = 11; call <= 21; call += 1) scene.acknowledge(`call-${String(call)}`);
    assert.deepEqual(scene.log.events, ['overload-begins', 'overload-ends']);
    assert.equal(scene.log.lines[1]?.['refusals'], 11);
    scene.refuseInvites(100, '192.0.2.66');
    assert.deepEqual(scene.log.events, ['overload-begins', 'overload-ends', 'overload-begins']);
  });

  test('above the limit there is room for requests within dialogs, the last of it not for INVITEs', () => {
    const scene = new Scene(100);
    scene.refuseInvites(100, '192.0.2.66');
    for (let k = 0; k < 5; k += 1) {
      const request = requestOf({ callId: `dialog-${String(k)}`, toTag: 'ours' });
      assert.ok(scene.table.hasRoomFor(request));
      scene.table.begin({ request, flow: flowOf() });
    }
    assert.ok(!scene.takes({ toTag: 'ours' }));
    for (let k = 0; k < 5; k += 1) {
      const request = requestOf({ method: 'BYE', callId: `dialog-${String(k)}`, toTag: 'ours' });
      assert.ok(scene.table.hasRoomFor(request));
      scene.table.begin({ request, flow: flowOf() });
    }
    assert.ok(!scene.takes({ method: 'BYE', toTag: 'ours' }));
  });
});
