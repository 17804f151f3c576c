import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, write } from 'node:fs';
import { join } from 'node:path';

// The least that a recorder in Node can do: a node:dgram socket a call, each packet's payload appended to a file, a packet of
// silence sent every 20 ms from one timer for all. No SIP, no jitter, no time line, no RTCP. The baseline of the media benchmark.
// Arguments: address, first port, calls, address and first port of the peer, directory ("-": nothing is written).
const [
  address = '127.0.0.1',
  first = '30000',
  calls = '100',
  peer = '127.0.0.1',
  peerFirst = '40000',
  directory = '-',
] = process.argv.slice(2);
const silence = Buffer.alloc(172, 0xff);
silence[0] = 0x80;
silence[1] = 0;

const sockets = await Promise.all(
  Array.from({ length: Number(calls) }, async (_, index) => {
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    const file = directory === '-' ? -1 : openSync(join(directory, `${String(index)}.raw`), 'w');
    let waiting: Buffer[] = [];
    socket.on('message', (packet) => {
      waiting.push(packet.subarray(12));
      if (waiting.length < 10) return;
      if (file >= 0) write(file, Buffer.concat(waiting), () => undefined);
      waiting = [];
    });
    socket.bind(Number(first) + 2 * index, address);
    await once(socket, 'listening');
    return { socket, file, port: Number(peerFirst) + 2 * index };
  }),
);

const begunMs = performance.now();
let tick = 0;
function send(): void {
  while (begunMs + tick * 20 <= performance.now()) {
    tick += 1;
    for (const { socket, port } of sockets) socket.send(silence, port, peer);
  }
  setTimeout(send, Math.max(0, begunMs + tick * 20 - performance.now()));
}
send();
process.on('disconnect', () => {
  for (const { file } of sockets) if (file >= 0) closeSync(file);
  process.exit();
});
process.send?.('ready');
