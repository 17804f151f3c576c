import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sendable, SourceGate } from '../../../../src/platform/media/source-gate.js';

const SDP = { address: '192.0.2.1', port: 4_000 };
const NAT = { address: '198.51.100.7', port: 9_000 };
const THIEF = { address: '203.0.113.66', port: 6_666 };

function gateOf(strict = false): SourceGate {
  const gate = new SourceGate();
  gate.announce(SDP, strict, 1_000);
  return gate;
}

describe('source gate', () => {
  it('the address of the SDP is heard at once, and is where ours go', () => {
    const gate = gateOf();
    assert.equal(gate.admits(SDP.address, SDP.port, true, 1_000), true);
    assert.deepEqual(gate.destination, SDP);
  });

  it('another source after 500 ms without the SDP address -> latched, and where ours go', () => {
    const gate = gateOf();
    assert.equal(gate.admits(NAT.address, NAT.port, true, 1_499), false);
    assert.equal(gate.admits(NAT.address, NAT.port, true, 1_500), true);
    assert.deepEqual(gate.destination, NAT);
    assert.equal(gate.admits(NAT.address, NAT.port, false, 1_501), true, 'latched: comfort noise too');
  });

  it('a packet from the SDP address ends the latch', () => {
    const gate = gateOf();
    gate.admits(NAT.address, NAT.port, true, 2_000);
    assert.equal(gate.admits(SDP.address, SDP.port, true, 2_010), true);
    assert.deepEqual(gate.destination, SDP);
    assert.equal(gate.admits(NAT.address, NAT.port, true, 2_400), false);
  });

  it('a new description ends the latch; the same one again does not', () => {
    const gate = gateOf();
    gate.admits(NAT.address, NAT.port, true, 2_000);
    gate.announce({ ...SDP }, false, 2_100);
    assert.deepEqual(gate.destination, NAT);
    gate.announce({ ...SDP, port: 4_002 }, false, 2_100);
    assert.deepEqual(gate.destination, { ...SDP, port: 4_002 });
    assert.equal(gate.admits(NAT.address, NAT.port, true, 2_200), false);
  });

  it('threat: RTP injection before 500 ms of silence, and while a latched source talks -> not heard', () => {
    const gate = gateOf();
    for (let nowMs = 1_000; nowMs < 5_000; nowMs += 20) {
      assert.equal(gate.admits(SDP.address, SDP.port, true, nowMs), true);
      assert.equal(gate.admits(THIEF.address, THIEF.port, true, nowMs + 10), false);
    }
    gate.admits(NAT.address, NAT.port, true, 6_000);
    assert.equal(gate.admits(THIEF.address, THIEF.port, true, 6_499), false);
    assert.deepEqual(gate.destination, NAT);
  });

  it('threat: RTP injection with a payload type that was not agreed on -> never latched', () => {
    assert.equal(gateOf().admits(THIEF.address, THIEF.port, false, 60_000), false);
  });

  it('threat: RTP injection under strictMedia -> never heard; turning it on ends a latch', () => {
    assert.equal(gateOf(true).admits(THIEF.address, THIEF.port, true, 60_000), false);
    const gate = gateOf();
    gate.admits(NAT.address, NAT.port, true, 2_000);
    gate.announce(SDP, true, 2_100);
    assert.equal(gate.admits(NAT.address, NAT.port, true, 2_110), false);
    assert.deepEqual(gate.destination, SDP);
  });

  it('an address that SDP and the socket write differently is the same', () => {
    for (const [inSdp, onSocket] of [
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['192.0.2.1', '::ffff:192.0.2.1'],
      ['fe80::1', 'fe80::1%eth0'],
    ] as const) {
      const gate = new SourceGate();
      gate.announce({ address: inSdp, port: 4_000 }, true, 0);
      for (let time = 0; time < 2; time += 1) assert.equal(gate.admits(onSocket, 4_000, true, 1), true, inSdp);
      assert.equal(gate.admits('198.51.100.1', 4_000, true, 1), false);
    }
  });

  it('a description that names no place -> nowhere, until a source is latched', () => {
    for (const remote of [
      { address: '0.0.0.0', port: 4_000 },
      { address: '::', port: 4_000 },
      { ...SDP, port: 0 },
    ]) {
      const gate = new SourceGate();
      gate.announce(remote, false, 0);
      assert.equal(gate.destination, undefined);
      gate.admits(NAT.address, NAT.port, true, 500);
      assert.deepEqual(gate.destination, NAT);
    }
  });
});

describe('a place to send to', () => {
  it('addresses as they are; IPv4-mapped ones as the IPv4 they mean', () => {
    assert.deepEqual(sendable(SDP), SDP);
    assert.deepEqual(sendable({ address: '::1', port: 1 }), { address: '::1', port: 1 });
    assert.deepEqual(sendable({ address: '::ffff:192.0.2.1', port: 65_535 }), { address: '192.0.2.1', port: 65_535 });
  });

  it('names and impossible ports -> none', () => {
    assert.equal(sendable({ address: 'gateway.example.test', port: 4_000 }), undefined);
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) assert.equal(sendable({ ...SDP, port }), undefined);
  });
});
