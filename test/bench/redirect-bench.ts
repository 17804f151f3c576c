import { RawConnection } from '../support/raw-caller.js';
import { Site } from '../support/site.js';
import { ownLoopbackAddress } from '../support/daemon.js';
import { startBaseline } from './child.js';
import { cpuSeconds, median } from './cpu-time.js';

const CONNECTIONS = 8;
const AT_ONCE = 8;

/** Processor microseconds a redirected call (INVITE, 302, ACK) of the process `pid`, under load from here. */
async function load(address: string, pid: number, calls: number): Promise<number> {
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => RawConnection.open(address, 5060, address)),
  );
  const each = Math.ceil(calls / CONNECTIONS);
  await Promise.all(connections.map((connection, index) => callMany(connection, address, `warm${String(index)}`, 400)));
  const before = cpuSeconds(pid);
  await Promise.all(connections.map((connection, index) => callMany(connection, address, `run${String(index)}`, each)));
  const used = cpuSeconds(pid) - before;
  for (const connection of connections) connection.close();
  return (used * 1e6) / (each * CONNECTIONS);
}

/** Keeps `AT_ONCE` calls going on one connection; reads responses by counting them, so that the generator stays cheap. */
function callMany(connection: RawConnection, address: string, label: string, calls: number): Promise<void> {
  const { socket } = connection;
  let sent = 0;
  let answered = 0;
  const send = (): string => {
    sent += 1;
    return invite(address, `${label}-${String(sent)}`);
  };
  return new Promise((done) => {
    const onData = (chunk: string): void => {
      const responses = chunk.split('SIP/2.0 302').length - 1;
      let out = '';
      for (let k = 0; k < responses; k += 1) {
        answered += 1;
        out += ack(address, `${label}-${String(answered)}`);
        if (sent < calls) out += send();
      }
      if (out !== '') connection.send(out);
      if (answered < calls) return;
      socket.off('data', onData);
      done();
    };
    socket.on('data', onData);
    connection.send(Array.from({ length: AT_ONCE }, send).join(''));
  });
}

function invite(address: string, id: string): string {
  return [
    `INVITE sip:5000@${address} SIP/2.0`,
    `Via: SIP/2.0/TCP ${address}:5060;branch=z9hG4bK${id}`,
    'Max-Forwards: 70',
    `From: "Ann" <sip:5551234@${address}>;tag=${id}`,
    `To: <sip:5000@${address}>`,
    `Call-ID: ${id}@bench`,
    'CSeq: 1 INVITE',
    `Contact: <sip:5551234@${address}:5060;transport=tcp>`,
    'Diversion: <sip:1000@pbx.example.test>;reason=no-answer',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function ack(address: string, id: string): string {
  return [
    `ACK sip:5000@${address} SIP/2.0`,
    `Via: SIP/2.0/TCP ${address}:5060;branch=z9hG4bK${id}`,
    `From: "Ann" <sip:5551234@${address}>;tag=${id}`,
    `To: <sip:5000@${address}>;tag=x`,
    `Call-ID: ${id}@bench`,
    'CSeq: 1 ACK',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** Redirects: the call router beside a bare server, interleaved. */
export async function benchRedirects(rounds: number): Promise<void> {
  const site = await Site.make({ which: 0 });
  const daemon = await site.start();
  const bareAddress = ownLoopbackAddress(1);
  const bare = await startBaseline('./bare-redirect-server.ts', [bareAddress, '5060']);
  const status = (await daemon.json('status')) as { readonly router: { readonly pid: number } };
  const ours: number[] = [];
  const base: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    base.push(await load(bareAddress, bare.pid ?? 0, 20_000));
    ours.push(await load(site.listen, status.router.pid, 20_000));
  }
  bare.disconnect();
  bare.kill();
  await daemon.dispose();
  site.remove();
  const [us, baseline] = [median(ours), median(base)];
  process.stdout.write(
    `redirect: call router ${us.toFixed(1)} us CPU a call, bare Node server ${baseline.toFixed(1)} us, ratio ${(us / baseline).toFixed(2)} (median of ${String(rounds)})\n`,
  );
}
