import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallBench, gatewaySdp } from '../../support/call-bench.js';

describe('re-INVITE and UPDATE', () => {
  for (const method of ['INVITE', 'UPDATE'] as const) {
    test(`${method}: hold and resume do not end a recording`, async () => {
      const bench = new CallBench();
      const invite = await bench.recording();
      const hold = await bench.inside(invite, method, { cseq: 2, body: gatewaySdp('a=sendonly') });
      assert.match(hold.last.body, /a=recvonly/);
      assert.deepEqual(
        [bench.session.configured.at(-1)?.send, bench.session.configured.at(-1)?.receive],
        [false, false],
      );
      if (method === 'INVITE') await bench.ack(hold);
      const resume = await bench.inside(invite, method, { cseq: 3, body: gatewaySdp() });
      assert.match(resume.last.body, /a=sendrecv/);
      assert.deepEqual([bench.session.configured.at(-1)?.send, bench.session.configured.at(-1)?.receive], [true, true]);
      assert.equal(bench.session.log.at(-1), 'record');
      assert.equal(bench.agent.reports[0]?.state, 'recording');
    });
  }

  test('a stream that was one way from the first offer on is heard: it is no hold', async () => {
    const bench = new CallBench();
    const invite = await bench.answered({ body: gatewaySdp('a=sendonly') });
    assert.deepEqual([bench.session.configured.at(-1)?.send, bench.session.configured.at(-1)?.receive], [false, true]);
    await bench.inside(invite, 'UPDATE', { cseq: 2, body: gatewaySdp('a=sendonly') });
    assert.equal(bench.session.configured.at(-1)?.receive, true);
  });

  test('hold by 0.0.0.0 keeps the address that media came from', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    await bench.inside(invite, 'UPDATE', { cseq: 2, body: gatewaySdp('c=IN IP4 0.0.0.0') });
    assert.deepEqual(bench.session.configured.at(-1)?.remote, { address: '192.0.2.10', port: 4_000 });
    assert.equal(bench.session.configured.at(-1)?.send, false);
  });

  test('another codec and address in mid-call', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const body = gatewaySdp('m=audio 4400 RTP/AVP 8', 'c=IN IP4 192.0.2.44');
    assert.equal((await bench.inside(invite, 'INVITE', { cseq: 2, body })).last.status, 200);
    assert.equal(bench.session.configured.at(-1)?.law, 'PCMA');
    assert.deepEqual(bench.session.configured.at(-1)?.remote, { address: '192.0.2.44', port: 4_400 });
  });

  test('the version in o= is raised when our description changes, and only then', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const version = (body: string): string | undefined => /o=- \d+ (\d+)/.exec(body)?.[1];
    const same = await bench.inside(invite, 'UPDATE', { cseq: 2, body: gatewaySdp() });
    const held = await bench.inside(invite, 'UPDATE', { cseq: 3, body: gatewaySdp('a=inactive') });
    assert.deepEqual([invite, same, held].map(({ last }) => version(last.body)), ['0', '0', '1']); // prettier-ignore
  });

  test('re-INVITE without offer gets ours, the answer comes in its ACK', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const again = await bench.inside(invite, 'INVITE', { cseq: 2 });
    assert.match(again.last.body, /m=audio 20000 RTP\/AVP 0 8 101/);
    await bench.ack(again, gatewaySdp('m=audio 4002 RTP/AVP 0'));
    assert.equal(bench.session.configured.at(-1)?.remote.port, 4_002);
  });

  test('re-INVITE without offer whose ACK has no answer: the call goes on as before', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    await bench.ack(await bench.inside(invite, 'INVITE', { cseq: 2 }));
    assert.equal(bench.events('answer-unusable').length, 1);
    assert.equal(bench.agent.reports[0]?.state, 'answering');
  });

  test('the 2xx to a re-INVITE is repeated too, and without ACK ends the call', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const again = await bench.inside(invite, 'INVITE', { cseq: 2, body: gatewaySdp() });
    await bench.time.pass(500);
    assert.deepEqual(bench.signalling.repeated, [again.last.wire]);
    await bench.time.pass(31_500);
    assert.match(bench.byeReason, /408/);
  });

  test('glare: an offer while ours is open -> 491', async () => {
    const bench = new CallBench();
    const invite = await bench.invite({ body: '' });
    assert.equal((await bench.inside(invite, 'INVITE', { cseq: 2, body: gatewaySdp() })).last.status, 491);
    assert.equal((await bench.inside(invite, 'UPDATE', { cseq: 3, body: gatewaySdp() })).last.status, 491);
  });

  test('a second INVITE before the first is answered -> 500 with a random Retry-After (§14.2)', async () => {
    const bench = new CallBench();
    bench.media.opening = new Promise(() => undefined);
    const invite = await bench.invite();
    const text = { cseq: 2, toTag: 'ab'.repeat(8), body: gatewaySdp() };
    const second = await bench.inside(invite, 'INVITE', text);
    assert.equal(second.last.status, 500);
    assert.equal(second.last.header('retry-after'), '7');
    assert.equal(bench.events('call-refused')[0]?.['status'], 500, 'the log says what was answered');
  });

  test('an offer that cannot be taken -> 488, and nothing changes', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const body = gatewaySdp('m=audio 4000 RTP/AVP 18');
    const headers = ['Contact: <sip:moved@192.0.2.99>'];
    assert.equal((await bench.inside(invite, 'INVITE', { cseq: 2, body, headers })).last.status, 488);
    assert.equal(bench.session.configured.length, 1);
    await bench.agent.stopCalls();
    assert.equal(bench.signalling.lastOf('BYE').parts.uri, 'sip:gw@192.0.2.10:5060;transport=tcp');
  });

  test('the Contact of a re-INVITE is where our BYE goes', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const headers = ['Contact: <sip:moved@192.0.2.99:5070;transport=tcp>'];
    await bench.ack(await bench.inside(invite, 'INVITE', { cseq: 2, body: gatewaySdp(), headers }));
    await bench.agent.stopCalls();
    assert.equal(bench.signalling.lastOf('BYE').parts.uri, 'sip:moved@192.0.2.99:5070;transport=tcp');
  });

  test('UPDATE without offer -> 200 without body', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    const update = await bench.inside(invite, 'UPDATE', { cseq: 2 });
    assert.deepEqual([update.last.status, update.last.body], [200, '']);
  });
});

describe('other requests within the call', () => {
  test('a lower CSeq -> 500 request-out-of-order', async () => {
    const bench = new CallBench();
    const invite = await bench.answered({ cseq: 10 });
    assert.equal((await bench.inside(invite, 'OPTIONS', { cseq: 9 })).last.status, 500);
    assert.equal(bench.events('call-refused')[0]?.['code'], 'request-out-of-order');
  });

  for (const [method, status] of [
    ['OPTIONS', 200],
    ['INFO', 405],
    ['NOTIFY', 405],
    ['MESSAGE', 405],
    ['REFER', 405],
  ] as const) {
    test(`${method} -> ${String(status)} with Allow`, async () => {
      const bench = new CallBench();
      const invite = await bench.answered();
      const { last } = await bench.inside(invite, method, { cseq: 2 });
      assert.equal(last.status, status);
      assert.match(last.header('allow') ?? '', /INVITE/);
    });
  }
});

describe('dialogs outlive connections', () => {
  test('the connection of the last request is held, the one before is let go; our BYE prefers it', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    assert.deepEqual(bench.signalling.heldFlows, ['flow-1']);
    await bench.inside(invite, 'UPDATE', { cseq: 2 }, 'flow-2');
    assert.deepEqual(bench.signalling.heldFlows, ['flow-2']);
    await bench.agent.stopCalls();
    assert.deepEqual(bench.signalling.lastOf('BYE').route, {
      preferredFlowId: 'flow-2',
      transport: 'tcp',
      destination: { address: '192.0.2.10', port: 5_060 },
    });
  });

  test('after BYE nothing is held, and no other call loses its hold, wherever a request still comes from', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    bench.spool.held = new Promise<void>(() => undefined);
    await bench.inside(invite, 'BYE', { cseq: 2 });
    bench.signalling.holdFlow('flow-1'); // another call on the same connection
    await bench.inside(invite, 'OPTIONS', { cseq: 3 }, 'flow-2');
    assert.deepEqual(bench.signalling.heldFlows, ['flow-1']);
  });

  test('an ACK that comes on another connection counts likewise', async () => {
    const bench = new CallBench();
    const invite = await bench.invite();
    await bench.ack(invite, '', 'flow-3');
    assert.deepEqual(bench.signalling.heldFlows, ['flow-3']);
  });
});
