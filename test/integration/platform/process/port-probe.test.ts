import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { portOwner } from '../../../../src/platform/process/port-owner.js';
import { probePort } from '../../../../src/platform/process/port-probe.js';
import { ownLoopbackAddress } from '../../../support/daemon.js';

const ADDRESS = ownLoopbackAddress(0);

async function listen(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  server.listen(0, ADDRESS);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

test('a port that somebody listens on is taken, on this address and on all addresses', async () => {
  const { server, port } = await listen();
  assert.deepEqual(await probePort(ADDRESS, port), { kind: 'taken' });
  assert.deepEqual(await probePort(undefined, port), { kind: 'taken' });
  assert.deepEqual(await probePort(ownLoopbackAddress(1), port), { kind: 'free' });
  server.close();
  await once(server, 'close');
});

test('a port is free again after the look at it, and right after its listener and connections were closed', async () => {
  const { server, port } = await listen();
  const client = connect(port, ADDRESS);
  const [served] = (await once(server, 'connection')) as [{ destroy(): void }];
  served.destroy();
  server.close();
  await once(client.resume(), 'close');
  assert.deepEqual(await probePort(ADDRESS, port), { kind: 'free' });
  assert.deepEqual(await probePort(ADDRESS, port), { kind: 'free' });
});

test('an address that this machine does not have -> unusable, with the reason', async () => {
  const state = await probePort('192.0.2.1', 5060);
  assert(state.kind === 'unusable');
  assert.equal(state.code, 'EADDRNOTAVAIL');
});

test('the owner of a taken port is named, nobody for a free one', async () => {
  const { server, port } = await listen();
  assert.match(portOwner(ADDRESS, port) ?? '', new RegExp(`^process ${String(process.pid)} \\(`));
  server.close();
  await once(server, 'close');
  assert.equal(portOwner(ADDRESS, port), undefined);
});

test('the owner is found at its own address only, in IPv6 and behind all addresses too', async () => {
  const six = createServer().listen(0, '::1');
  await once(six, 'listening');
  const { port } = six.address() as AddressInfo;
  const self = new RegExp(`^process ${String(process.pid)} `);
  assert.match(portOwner('::1', port) ?? '', self);
  assert.match(portOwner(undefined, port) ?? '', self);
  assert.equal(portOwner(ADDRESS, port), undefined);
  six.close();
  const all = createServer().listen(0);
  await once(all, 'listening');
  assert.match(portOwner(ADDRESS, (all.address() as AddressInfo).port) ?? '', self);
  all.close();
});
