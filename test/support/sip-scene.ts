import type { UmConfig } from '../../src/config/um-config.js';
import { demonstrationDirectory } from '../../src/directory/demonstration.js';
import { Directory } from '../../src/directory/directory.js';
import { cryptoRandom } from '../../src/platform/random.js';
import { evaluate } from '../../src/platform/config/config-file.js';

let serial = 0;

/** The demonstration's directory: this machine is trusted, mailboxes 1000 and 1001. */
export function testDirectory(): Directory {
  return new Directory(1, demonstrationDirectory('um.example.test', new Map(), cryptoRandom));
}

/** A configuration of defaults and the values given, by key. */
export function testConfig(values: Readonly<Record<string, string>> = {}): UmConfig {
  return evaluate({}, {}, '/nowhere/msexchangeum.config', { values: { ServerName: 'um.example.test', ...values } })
    .config;
}

/** A request as a gateway sends it; `headers` are whole lines, a Via and the dialog's headers come by themselves. */
export function requestText(
  method: string,
  uri: string,
  headers: readonly string[] = ['Diversion: <sip:1000@pbx.example.test>'],
): { readonly text: string; readonly callId: string } {
  serial += 1;
  const callId = `scene-${String(process.pid)}-${String(serial)}`;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/TCP pbx.example.test:5060;branch=z9hG4bK${callId}`,
    'Max-Forwards: 70',
    `From: <sip:5551234@pbx.example.test>;tag=from${String(serial)}`,
    `To: <${uri.split(';')[0] ?? uri}>`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:pbx.example.test;transport=tcp>',
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ];
  return { text: lines.join('\r\n'), callId };
}
