import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { UmConfig } from '../../../../src/config/um-config.js';
import { loadConfig, type StartOptions } from '../../../../src/platform/config/config-file.js';
import { ConfigWatcher } from '../../../../src/platform/config/config-watcher.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

/** A logger whose lines can be waited for. */
class WakingLogger extends RecordingLogger {
  #wake: (() => void) | undefined;

  override info(...line: Parameters<RecordingLogger['info']>): void {
    super.info(...line);
    this.#wake?.();
  }

  override warn(...line: Parameters<RecordingLogger['warn']>): void {
    super.warn(...line);
    this.#wake?.();
  }

  /** The line with this number, once it was written. */
  async line(number: number): Promise<RecordingLogger['lines'][number]> {
    // A watcher keeps no process alive, and nothing else runs here meanwhile.
    const hold = setInterval(() => undefined, 60_000);
    for (;;) {
      const line = this.lines[number - 1];
      if (line) {
        clearInterval(hold);
        return line;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

let directory = '';
let file = '';
let watcher: ConfigWatcher | undefined;
let log = new WakingLogger();

const text = (keys: Readonly<Record<string, string>>): string => {
  const adds = Object.entries(keys).map(([key, value]) => `<add key="${key}" value="${value}"/>`);
  return `<configuration>\n${adds.join('\n')}\n</configuration>\n`;
};

function watch(
  keys: Readonly<Record<string, string>>,
  options: Partial<StartOptions> = {},
  environment = {},
): UmConfig[] {
  writeFileSync(file, text(keys));
  const start = { configFile: file, ...options };
  const changes: UmConfig[] = [];
  watcher = new ConfigWatcher({
    start,
    environment,
    loaded: loadConfig(start, environment),
    log,
    announce: true,
    onChange: (config) => changes.push(config),
  });
  return changes;
}

/** As an editor that writes beside the file and renames over it. */
function replace(content: string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

describe('ConfigWatcher', () => {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'openum-watch-'));
    file = join(directory, 'msexchangeum.config');
    log = new WakingLogger();
  });
  afterEach(() => {
    watcher?.close();
    rmSync(directory, { recursive: true });
  });

  const editors: Readonly<Record<string, (content: string) => void>> = {
    'renames over it': replace,
    'writes into it': (content) => {
      writeFileSync(file, content);
    },
    'deletes and creates it': (content) => {
      unlinkSync(file);
      writeFileSync(file, content);
    },
    'moves it away as a backup and creates it': (content) => {
      renameSync(file, `${file}~`);
      writeFileSync(file, content);
    },
  };
  for (const [name, edit] of Object.entries(editors)) {
    test(`an editor that ${name} -> the new values are in effect, and the log names the keys`, async () => {
      const changes = watch({ MinimumRtpPort: '20000' });
      edit(text({ MinimumRtpPort: '30000', MaximumRtpPort: '30001' }));
      const line = await log.line(1);
      assert.equal(line.event, 'config-changed');
      assert.deepEqual([line['changed'], line['needRestart']], [['MinimumRtpPort', 'MaximumRtpPort'], []]);
      assert.deepEqual(changes, [watcher?.current]);
      assert.deepEqual([watcher?.current.minimumRtpPort, watcher?.current.maximumRtpPort], [30_000, 30_001]);
    });
  }

  test('a second edit is noticed as the first was', async () => {
    const changes = watch({});
    replace(text({ LogLevel: 'debug' }));
    await log.line(1);
    replace(text({ LogLevel: 'warn' }));
    await log.line(2);
    assert.deepEqual(
      changes.map(({ logLevel }) => logLevel),
      ['debug', 'warn'],
    );
  });

  test('a faulty edit is refused whole, with every fault, and the old values stay; the corrected one is taken', async () => {
    const changes = watch({ LogLevel: 'info' });
    replace(text({ LogLevel: 'debug', SmtpPort: '0', Colour: 'blue' }));
    const line = await log.line(1);
    assert.deepEqual([line.event, line.level], ['config-refused', 'warn']);
    assert.equal((line['faults'] as readonly string[]).length, 2);
    assert.equal(watcher?.current.logLevel, 'info');
    assert.deepEqual(changes, []);
    replace(text({ LogLevel: 'debug' }));
    assert.equal((await log.line(2)).event, 'config-changed');
    assert.equal(watcher.current.logLevel, 'debug');
  });

  test('keys that need a restart are named and keep their values', async () => {
    const changes = watch({ SipTcpListeningPort: '5070', ServerName: 'um' });
    replace(text({ SipTcpListeningPort: '5080', ServerName: 'mu', DrainTimeout: '5' }));
    const line = await log.line(1);
    assert.deepEqual(line['changed'], ['DrainTimeout'], 'MailFrom follows the name in effect');
    assert.deepEqual(line['needRestart'], ['ServerName', 'SipTcpListeningPort']);
    assert.match(
      line.sentence,
      /DrainTimeout in effect for new calls; ServerName, SipTcpListeningPort with the next start/,
    );
    const [config] = changes;
    assert.deepEqual([config?.sipTcpListeningPort, config?.serverName, config?.drainTimeoutS], [5070, 'um', 5]);
    assert.equal(config?.mailFrom, 'voicemail@um');
  });

  test('an edit of keys that need a restart changes nothing now', async () => {
    const changes = watch({});
    replace(text({ DataDirectory: '/elsewhere' }));
    assert.deepEqual((await log.line(1))['needRestart'], ['DataDirectory'], 'directories below it are not named');
    assert.deepEqual(changes, []);
  });

  test('flag and environment go on winning', async () => {
    const changes = watch({}, {}, { OPENUM_LOG_LEVEL: 'error' });
    replace(text({ LogLevel: 'debug', SmtpPort: '587' }));
    assert.deepEqual((await log.line(1))['changed'], ['SmtpPort']);
    assert.deepEqual([changes[0]?.logLevel, changes[0]?.smtpPort], ['error', 587]);
  });

  test('a file that goes is refused: the old values stay', async () => {
    watch({ LogLevel: 'warn' });
    unlinkSync(file);
    const line = await log.line(1);
    assert.match(line.sentence, /cannot be read: ENOENT/);
    assert.equal(watcher?.current.logLevel, 'warn');
  });

  test('a link into a directory that is swapped is followed', async () => {
    for (const [name, level] of [
      ['one', 'info'],
      ['two', 'debug'],
    ] as const) {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'um.config'), text({ LogLevel: level }));
    }
    symlinkSync('one', join(directory, 'current'));
    symlinkSync(join('current', 'um.config'), file);
    const start = { configFile: file };
    const loaded = loadConfig(start, {});
    watcher = new ConfigWatcher({ start, environment: {}, loaded, log, announce: true, onChange: () => undefined });
    symlinkSync('two', join(directory, 'next'));
    renameSync(join(directory, 'next'), join(directory, 'current'));
    await log.line(1);
    assert.equal(watcher.current.logLevel, 'debug');
  });

  test('what was edited before the watch began is noticed', async () => {
    writeFileSync(file, text({ LogLevel: 'info' }));
    const start = { configFile: file };
    const loaded = loadConfig(start, {});
    replace(text({ LogLevel: 'debug' }));
    watcher = new ConfigWatcher({ start, environment: {}, loaded, log, announce: true, onChange: () => undefined });
    await log.line(1);
    assert.equal(watcher.current.logLevel, 'debug');
  });

  test('children are started with the values in effect, not with those that wait for a restart or are faulty', async () => {
    watch({ LogLevel: 'info', ServerName: 'um' });
    replace(text({ LogLevel: 'debug', ServerName: 'mu' }));
    await log.line(1);
    replace(text({ LogLevel: 'loud' }));
    await log.line(2);
    const options = watcher?.startOptions ?? {};
    assert.deepEqual(options, { configFile: file, inherited: { LogLevel: 'debug', ServerName: 'um' } });
    const child = loadConfig(options, {});
    assert.deepEqual([child.config.logLevel, child.config.serverName], ['debug', 'um']);
  });

  test('a process that does not announce logs nothing, and changes all the same', async () => {
    writeFileSync(file, text({}));
    const start = { configFile: file };
    const loaded = loadConfig(start, {});
    const changed = new Promise<UmConfig>((resolve) => {
      watcher = new ConfigWatcher({ start, environment: {}, loaded, log, announce: false, onChange: resolve });
    });
    replace(text({ LogLevel: 'debug' }));
    const hold = setInterval(() => undefined, 60_000);
    assert.equal((await changed).logLevel, 'debug');
    clearInterval(hold);
    assert.deepEqual(log.lines, []);
  });
});
