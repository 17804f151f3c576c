import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { after, before } from 'node:test';
import type { UmConfig } from '../../src/config/um-config.js';
import { Directory } from '../../src/directory/directory.js';
import { monotonicClock, timers, wallClock } from '../../src/platform/clock.js';
import { cryptoRandom } from '../../src/platform/random.js';
import { OutboxRunner } from '../../src/services/outbox-runner.js';
import { ownLoopbackAddress } from '../support/daemon.js';
import { requireProgram } from '../support/debian-program.js';
import {
  decodedHeader,
  parameters,
  type ParsedEntity,
  parseMail,
  parseMailbox,
  rawHeader,
} from '../support/mail-parser.js';
import { MemoryStore } from '../support/memory-store.js';
import { mp3Facts } from '../support/mp3-frames.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { sampleJob, sampleMessage } from '../support/sample-message.js';
import { muLawWav } from '../support/sample-wav.js';

const address = ownLoopbackAddress(5);
const port = 21_024;

/** Dovecot takes no mail for root: as root it is started as this user of Debian's. */
const account = process.getuid?.() === 0 ? 'nobody' : execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
const uid = Number(execFileSync('id', ['-u', account], { encoding: 'utf8' }));
const gid = Number(execFileSync('id', ['-g', account], { encoding: 'utf8' }));
const group = execFileSync('id', ['-gn', account], { encoding: 'utf8' }).trim();

let home = '';
let data = '';
let dovecot: ChildProcess;

function configuration(): string {
  return `
base_dir = ${home}/run
state_dir = ${home}/state
log_path = /dev/stderr
default_internal_user = ${account}
default_login_user = ${account}
default_internal_group = ${group}
protocols = lmtp
listen = ${address}
ssl = no
mail_location = maildir:${home}/mail/%u
first_valid_uid = 1
mail_uid = ${account}
mail_gid = ${group}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${home}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u ${home}/users
  default_fields = home=${home}/mail/%u
}
service anvil {
  chroot =
}
service lmtp {
  inet_listener lmtp {
    address = ${address}
    port = ${String(port)}
  }
}
service auth {
  user = ${account}
}
service stats {
  chroot =
}
`;
}

before(async () => {
  requireProgram('dovecot', 'dovecot-core dovecot-lmtpd');
  home = mkdtempSync(join(tmpdir(), 'openum-dovecot-'));
  data = mkdtempSync(join(tmpdir(), 'openum-outbox-'));
  mkdirSync(join(data, 'audio'));
  writeFileSync(join(data, 'audio/sample.wav'), muLawWav(3));
  for (const folder of ['run', 'state', 'mail']) mkdirSync(join(home, folder));
  writeFileSync(join(home, 'users'), 'alice@example.test:{PLAIN}secret::::::\n');
  writeFileSync(join(home, 'dovecot.conf'), configuration());
  chmodSync(home, 0o755);
  for (const path of ['', 'run', 'state', 'mail', 'users', 'dovecot.conf']) chownSync(join(home, path), uid, gid);
  dovecot = spawn('dovecot', ['-c', join(home, 'dovecot.conf'), '-F'], {
    cwd: home,
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await started(dovecot);
});

after(async () => {
  if (dovecot.exitCode === null && dovecot.kill('SIGTERM')) await once(dovecot, 'exit');
  for (const folder of [home, data]) rmSync(folder, { recursive: true, force: true });
});

/** Resolves when Dovecot says that it runs; rejects with its words when it ends instead. */
function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        said += `${line}\n`;
        if (line.includes('starting up')) resolve();
      });
    }
    child.on('exit', () => {
      reject(new Error(`Dovecot ended: ${said}`));
    });
  });
}

/** A runner that delivers by LMTP to Dovecot, its store empty. */
function makeRunner(store: MemoryStore): OutboxRunner {
  const config = {
    smtpHost: address,
    smtpPort: port,
    smtpTls: 'none',
    smtpProtocol: 'lmtp',
    smtpUser: undefined,
    smtpPasswordFile: undefined,
    mailFrom: 'voicemail@um.example.test',
    mailRetryForHours: 1,
    serverName: 'um.example.test',
  } as unknown as UmConfig;
  return new OutboxRunner({
    store,
    config: () => config,
    directory: () => new Directory(1, []),
    dataDirectory: data,
    log: new RecordingLogger(),
    clock: monotonicClock,
    wallClock,
    timers,
    random: cryptoRandom,
  });
}

/** The mails in Alice's new; Dovecot keeps them with bare LF. */
function readMails(): ParsedEntity[] {
  const folder = join(home, 'mail/alice@example.test/new');
  return readdirSync(folder).map((file) =>
    parseMail(Buffer.from(readFileSync(join(folder, file), 'latin1').replace(/\r?\n/g, '\r\n'), 'latin1')),
  );
}

test('LMTP into Dovecot -> the voice message lies in the mailbox as it was composed; an unknown recipient is refused', async () => {
  const store = new MemoryStore();
  const callerName = 'Zoë "🎈" <b>; שלום';
  await store.takeMessage(sampleMessage({ callerName, durationMs: 3_000, urgent: true }), [
    sampleJob({ recipient: 'alice@example.test' }),
    sampleJob({ id: 'job-2', recipient: 'nobody-here@example.test' }),
  ]);
  const runner = makeRunner(store);
  runner.start();
  await store.until(() => store.job().attempts === 1 && store.job('job-2').attempts === 1);
  await runner.close();

  assert.equal(store.job().state, 'done', store.job().lastError);
  assert.equal(store.job('job-2').state, 'dead');
  assert.match(store.job('job-2').lastError ?? '', /^mail-refused: 550 5\.1\.1 /);

  const [mail, ...others] = readMails();
  assert.ok(mail);
  assert.equal(others.length, 0);
  assert.equal(rawHeader(mail, 'Content-Class'), 'voice-ca');
  assert.equal(rawHeader(mail, 'Message-ID'), sampleMessage().messageId);
  assert.equal(rawHeader(mail, 'X-VoiceMessageDuration'), '3');
  assert.equal(rawHeader(mail, 'Importance'), 'High');
  assert.equal(decodedHeader(mail, 'Subject'), `Voice Mail from ${callerName} (3 seconds)`);
  assert.deepEqual(parseMailbox(rawHeader(mail, 'From') ?? ''), {
    name: callerName,
    address: 'voicemail@um.example.test',
  });
  const attached = mail.parts[1];
  assert.ok(attached);
  const { parameters: disposition } = parameters(rawHeader(attached, 'Content-Disposition') ?? '');
  assert.equal(disposition.get('filename'), '5551234 (3 seconds) Voice Mail.mp3');
  assert.ok(Math.abs(mp3Facts(attached.content).seconds - 3) < 0.3);
});
