import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { PortLeases } from '../../../../src/platform/media/port-leases.js';
import { VirtualTime } from '../../../support/virtual-time.js';
import { ScriptedIo } from './scripted-datagrams.js';

function scene(minimum: number, maximum: number) {
  const io = new ScriptedIo();
  const time = new VirtualTime();
  const leases = new PortLeases(io, time, { integer: () => 1, hex: () => '' });
  leases.setRange(minimum, maximum);
  return { io, time, leases };
}

function exhausted(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UmError && error.code === 'rtp-ports-exhausted' && pattern.test(error.detail);
}

describe('port leases', () => {
  it('pairs are even, in the range, in turn from a random one', async () => {
    const { io, leases } = scene(20_001, 20_008);
    for (let k = 0; k < 3; k += 1) await leases.open('127.0.0.1');
    assert.deepEqual(io.opened, [20_004, 20_006, 20_002]);
    assert.equal(leases.inUse, 3);
  });

  it('every pair leased -> exhausted, with the count; one given back -> leased again', async () => {
    const { leases } = scene(20_000, 20_003);
    const pair = await leases.open('127.0.0.1');
    await leases.open('127.0.0.1');
    await assert.rejects(leases.open('127.0.0.1'), exhausted(/^20000 to 20003: 2 pairs, 2 in calls$/));
    await leases.close(pair);
    assert.equal((await leases.open('127.0.0.1')).port, pair.port);
  });

  it('pairs of other programs are skipped and counted', async () => {
    const { io, leases } = scene(20_000, 20_005);
    io.others.add(20_002).add(20_004);
    assert.equal((await leases.open('127.0.0.1')).port, 20_000);
    assert.equal(leases.takenByOthers, 2);
    await assert.rejects(leases.open('127.0.0.1'), exhausted(/1 in calls, 2 by other programs/));
    assert.equal(leases.takenByOthers, 4);
  });

  it('a closed pair rests 30 s; the longest-rested is taken before a call is refused', async () => {
    const { time, leases } = scene(20_000, 20_005);
    const [first, second] = [await leases.open('127.0.0.1'), await leases.open('127.0.0.1')];
    await leases.close(second);
    await time.pass(1_000);
    await leases.close(first);
    assert.equal((await leases.open('127.0.0.1')).port, 20_000, 'the one that never was in use');
    assert.equal((await leases.open('127.0.0.1')).port, second.port, 'rested longer');
    await time.pass(29_999);
    const third = await leases.open('127.0.0.1');
    assert.equal(third.port, first.port);
  });

  it('a rested pair that another program took meanwhile is tried once', async () => {
    const { io, time, leases } = scene(20_000, 20_001);
    await leases.close(await leases.open('127.0.0.1'));
    await time.pass(30_000);
    io.others.add(20_000);
    await assert.rejects(leases.open('127.0.0.1'), exhausted(/1 by other programs/));
    assert.equal(leases.takenByOthers, 1);
  });

  it('many calls at once -> a pair each, none refused while one is free', async () => {
    const { io, leases } = scene(20_000, 20_019);
    io.others.add(20_006);
    const pairs = await Promise.all(Array.from({ length: 9 }, () => leases.open('127.0.0.1')));
    assert.equal(new Set(pairs.map(({ port }) => port)).size, 9);
  });

  it('a new range is for new calls; open pairs are kept', async () => {
    const { io, leases } = scene(20_000, 20_001);
    const pair = await leases.open('127.0.0.1');
    leases.setRange(30_000, 30_001);
    assert.equal((await leases.open('127.0.0.1')).port, 30_000);
    leases.setRange(20_000, 20_001);
    await assert.rejects(leases.open('127.0.0.1'), exhausted(/1 pairs/));
    await leases.close(pair);
    assert.equal((await leases.open('127.0.0.1')).port, 20_000);
    assert.equal(io.opened.length, 3);
  });

  it('a range without a pair -> exhausted', async () => {
    await assert.rejects(scene(20_001, 20_002).leases.open('127.0.0.1'), exhausted(/0 pairs/));
  });

  it('no socket can be opened (EMFILE) -> exhausted with the reason; the pair is free again', async () => {
    const { io, leases } = scene(20_000, 20_001);
    io.fault = new Error('bind EMFILE');
    await assert.rejects(leases.open('127.0.0.1'), exhausted(/EMFILE/));
    assert.equal(leases.inUse, 0);
    io.fault = undefined;
    assert.equal((await leases.open('127.0.0.1')).port, 20_000);
  });
});
