import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { afterEach } from 'node:test';
import type { RelayConfig } from '../../../../src/platform/mail/smtp-relay.js';
import { type PeerTls, SmtpPeer } from '../../../support/smtp-peer.js';

/** The certificate names it, so it is none of this test's own. */
const ADDRESS = '127.0.0.1';
const sender = fileURLToPath(new URL('../../../fixtures/mail-sender.ts', import.meta.url));
const certificate = fileURLToPath(new URL('../../../fixtures/tls/relay.crt', import.meta.url));
const identity = {
  cert: readFileSync(certificate),
  key: readFileSync(new URL('../../../fixtures/tls/relay.key', import.meta.url)),
};

let peer: SmtpPeer;
afterEach(() => peer.close());

/** What became of a mail to a relay that speaks TLS: its last words, or the refusal. */
async function send(smtpTls: RelayConfig['smtpTls'], from: PeerTls['from'], trusts: boolean): Promise<unknown> {
  peer = await SmtpPeer.listen(ADDRESS, { tls: { ...identity, from } });
  const config: RelayConfig = {
    smtpHost: ADDRESS,
    smtpPort: peer.port,
    smtpTls,
    smtpProtocol: 'smtp',
    smtpUser: undefined,
    smtpPasswordFile: undefined,
    serverName: 'um.example.test',
  };
  const env = { ...process.env, ...(trusts ? { NODE_EXTRA_CA_CERTS: certificate } : {}) };
  const child = fork(sender, [JSON.stringify(config)], { env });
  const [words] = (await once(child, 'message')) as readonly unknown[];
  return words;
}

for (const [smtpTls, from] of [
  ['starttls', 'starttls'],
  ['tls', 'connect'],
] as const) {
  test(`SmtpTls ${smtpTls}, the relay's authority is trusted -> the relay has the mail`, async () => {
    assert.equal(await send(smtpTls, from, true), '250 2.0.0 taken');
    assert.equal(peer.mails.length, 1);
  });

  test(`threat: SmtpTls ${smtpTls}, a relay with a certificate that nobody vouches for gets no mail`, async () => {
    assert.match(String(await send(smtpTls, from, false)), /^mail-unreachable: .*(self-signed|certificate)/i);
    assert.deepEqual(peer.mails, []);
    assert.ok(!peer.commands.some((command) => command.startsWith('MAIL')));
  });
}
