import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dgramIo } from '../../../../src/platform/media/dgram-io.js';
import type { DatagramPair } from '../../../../src/platform/media/media-io.js';
import { ownLoopbackAddress } from '../../../support/daemon.js';

const address = ownLoopbackAddress(0);
const program = fileURLToPath(new URL('../../../fixtures/crowded-sockets.ts', import.meta.url));
const registration = fileURLToPath(new URL('../../../support/register-ts.mjs', import.meta.url));
const top = fileURLToPath(new URL('../../../../', import.meta.url));

async function pairOn(port: number): Promise<DatagramPair> {
  const pair = await dgramIo.open(address, port);
  assert.ok(pair !== 'taken');
  return pair;
}

describe('media over node:dgram', () => {
  it('RTP and RTCP come in on neighbouring ports, with their source', async () => {
    const [one, other] = [await pairOn(26_000), await pairOn(26_002)];
    const seen = new Promise<string[]>((done) => {
      const lines: string[] = [];
      const note = (kind: string) => (bytes: Uint8Array, from: string, port: number) => {
        lines.push(`${kind} ${bytes.join()} ${String(from === address)} ${String(port)}`);
        if (lines.length === 2) done(lines.sort());
      };
      other.receiver = { rtp: note('rtp'), rtcp: note('rtcp') };
    });
    one.sendRtp(Uint8Array.of(1, 2, 3), 2, { address, port: 26_002 });
    one.sendRtcp(Uint8Array.of(4), { address, port: 26_003 });
    assert.deepEqual(await seen, ['rtcp 4 true 26001', 'rtp 1,2 true 26000']);
    await Promise.all([one.close(), other.close()]);
  });

  it('a port of another program -> taken, and nothing is left open', async () => {
    const other = createSocket('udp4').bind(26_005, address);
    await once(other, 'listening');
    assert.equal(await dgramIo.open(address, 26_004), 'taken');
    other.close();
    await once(other, 'close');
    await (await pairOn(26_004)).close();
  });

  it('a place that cannot be sent to is counted, never thrown', async () => {
    const pair = await pairOn(26_006);
    for (const to of [
      { address, port: 0 },
      { address, port: 65_536 },
    ]) {
      pair.sendRtp(Uint8Array.of(1), 1, to);
      pair.sendRtcp(Uint8Array.of(1), to);
    }
    assert.equal(pair.faults, 4);
    await pair.close();
  });

  it('no open file left (EMFILE), or only one for two sockets -> rejected, and none is lost by it', async () => {
    const command = 'ulimit -n 200; exec "$0" --no-warnings --import "$1" "$2" "$3"';
    const env = { ...process.env, TS_NODE_TRANSPILE_ONLY: 'true' };
    const args = ['-c', command, process.execPath, registration, program, address];
    const { stdout } = await promisify(execFile)('sh', args, { cwd: top, env });
    assert.equal(stdout.trim(), '0 EMFILE, 1 EMFILE, 0 EMFILE, 2 opened');
  });
});
