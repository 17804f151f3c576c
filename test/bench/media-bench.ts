import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownLoopbackAddress } from '../support/daemon.js';
import { headerOf, RawConnection } from '../support/raw-caller.js';
import { Site } from '../support/site.js';
import { startBaseline } from './child.js';
import { cpuSeconds } from './cpu-time.js';
import { RtpLoad, type RtpStream } from './rtp-load.js';

const WARM_MS = 3_000;
const MEASURED_MS = 10_000;

/** `recording`: callers speak after a short greeting. `playing`: they speak into a greeting of minutes. */
export type MediaPhase = 'recording' | 'playing';

function passed(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms)); // the measured stretch itself
}

/** Processor milliseconds of `pid` for each second of each call, over a stretch in which all calls are up. */
async function measure(pid: number, calls: number): Promise<number> {
  await passed(WARM_MS);
  const before = cpuSeconds(pid);
  const begunMs = performance.now();
  await passed(MEASURED_MS);
  const seconds = (performance.now() - begunMs) / 1000;
  return ((cpuSeconds(pid) - before) * 1000) / (seconds * calls);
}

/** One call to the worker over a shared connection; where its RTP goes. */
async function call(connection: RawConnection, site: Site, rtpPort: number, index: number): Promise<RtpStream> {
  const id = `media-${String(process.pid)}-${String(index)}-${String(rtpPort)}`;
  const sdp = `v=0\r\no=- 1 1 IN IP4 ${site.listen}\r\ns=-\r\nc=IN IP4 ${site.listen}\r\nt=0 0\r\nm=audio ${String(rtpPort)} RTP/AVP 0\r\n`;
  const head = (method: string, to: string): string =>
    [
      `${method} sip:5000@${site.listen}:5065 SIP/2.0`,
      `Via: SIP/2.0/TCP ${site.listen};branch=z9hG4bK${id}${method}`,
      'Max-Forwards: 70',
      `From: <sip:555${String(index)}@pbx>;tag=${id}`,
      `To: <sip:5000@um>${to}`,
      `Call-ID: ${id}`,
      `CSeq: 1 ${method}`,
      `Contact: <sip:pbx@${site.listen}:5060;transport=tcp>`,
      'Diversion: <sip:1000@pbx>',
    ].join('\r\n');
  connection.send(
    `${head('INVITE', '')}\r\nContent-Type: application/sdp\r\nContent-Length: ${String(sdp.length)}\r\n\r\n${sdp}`,
  );
  const answer = await connection.final(id, '1 INVITE');
  const port = Number(/^m=audio (\d+)/m.exec(answer.text)?.[1]);
  if (answer.status !== 200 || !Number.isInteger(port)) throw new Error(`call ${String(index)}: ${answer.text}`);
  const tag = /;tag=[^;\s]+/.exec(headerOf(answer.text, 'To') ?? '')?.[0] ?? '';
  connection.send(`${head('ACK', tag)}\r\nContent-Length: 0\r\n\r\n`);
  return { address: site.listen, port };
}

async function measureOurs(phase: MediaPhase, calls: number): Promise<number> {
  const site = await Site.make({
    which: 2,
    maxCallsAllowed: calls,
    config: { MinimumRtpPort: '20000', MaximumRtpPort: '29999' },
    ...(phase === 'playing' ? { mailbox: { greetingFile: 'long.wav' } } : {}),
  });
  site.writeGreeting('long.wav', 60);
  const daemon = await site.start();
  const load = await RtpLoad.open(site.listen, 40_000, calls);
  const connection = await RawConnection.open(site.listen, 5065, site.listen);
  try {
    const streams: RtpStream[] = [];
    for (let index = 0; index < calls; index += 1)
      streams.push(await call(connection, site, 40_000 + 2 * index, index));
    load.start(streams);
    const status = (await daemon.json('status')) as { readonly workers: readonly { readonly pid: number }[] };
    return await measure(status.workers[0]?.pid ?? 0, calls);
  } finally {
    load.close();
    connection.close();
    await daemon.dispose();
    site.remove();
  }
}

async function measureBare(phase: MediaPhase, calls: number): Promise<number> {
  const address = ownLoopbackAddress(3);
  const directory = mkdtempSync(join(tmpdir(), 'openum-bench-'));
  const load = await RtpLoad.open(address, 40_000, calls);
  const target = phase === 'recording' ? directory : '-';
  const bare = await startBaseline('./bare-media-server.ts', [
    address,
    '20000',
    String(calls),
    address,
    '40000',
    target,
  ]);
  try {
    load.start(Array.from({ length: calls }, (_, index) => ({ address, port: 20_000 + 2 * index })));
    return await measure(bare.pid ?? 0, calls);
  } finally {
    load.close();
    bare.disconnect();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Recording or playing: the worker beside bare node:dgram, interleaved. */
export async function benchMedia(phase: MediaPhase, calls: number, rounds: number): Promise<void> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await measureBare(phase, calls));
    ours.push(await measureOurs(phase, calls));
  }
  const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
  process.stdout.write(
    `${phase}: worker ${middle(ours).toFixed(2)} ms CPU a call-second at ${String(calls)} calls, bare node:dgram ${middle(bare).toFixed(2)} ms, ratio ${(middle(ours) / middle(bare)).toFixed(2)} (median of ${String(rounds)})\n`,
  );
}
