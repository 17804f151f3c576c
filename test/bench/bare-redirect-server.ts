import { createServer } from 'node:net';

// The least that a redirect server in Node can do: frame at the empty line, echo five header lines, one write a read. It checks
// nothing. The baseline of the redirect benchmark. Arguments: address, port.
const [address = '127.0.0.1', port = '5060'] = process.argv.slice(2);

function line(message: string, name: string): string {
  const start = message.indexOf(name) + 2;
  return message.slice(start, message.indexOf('\r\n', start) + 2);
}

function answer(message: string): string {
  if (message.startsWith('ACK')) return '';
  const to = line(message, '\r\nTo:').slice(0, -2);
  const echoed = ['\r\nVia:', '\r\nFrom:', '\r\nCall-ID:', '\r\nCSeq:'].map((name) => line(message, name)).join('');
  return `SIP/2.0 302 Moved Temporarily\r\n${echoed}${to};tag=bare\r\nContact: <sip:5000@${address}:5062;transport=tcp>\r\nContent-Length: 0\r\n\r\n`;
}

createServer((socket) => {
  let rest = '';
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\r\n\r\n');
    rest = parts.pop() ?? '';
    const out = parts.map((part) => answer(`${part}\r\n`)).join('');
    if (out !== '') socket.write(out, 'latin1');
  });
}).listen(Number(port), address, () => process.send?.('ready'));
