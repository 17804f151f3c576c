import { monotonicClock, timers, wallClock } from '../platform/clock.js';
import { loadConfig } from '../platform/config/config-file.js';
import { ConfigWatcher } from '../platform/config/config-watcher.js';
import { createLogger } from '../platform/logging.js';
import { connectParent, type ParentLink } from '../platform/process/parent-link.js';
import { cryptoRandom } from '../platform/random.js';
import { MailboxService } from './mailbox-service.js';
import { endOnFault, startOrTellParent } from './service-process.js';
import { readStartOptions } from './worker-start.js';

async function startMailboxService(link: ParentLink): Promise<void> {
  const start = readStartOptions(process.argv[2]);
  const loaded = loadConfig(start, process.env);
  const log = createLogger('mailbox-service', loaded.config.logLevel);
  endOnFault(log);
  const watcher = new ConfigWatcher({
    start,
    environment: process.env,
    loaded,
    log,
    announce: false,
    onChange: (config) => {
      log.setLevel(config.logLevel);
    },
  });
  const service = await MailboxService.start({
    dataDirectory: loaded.config.dataDirectory,
    config: () => watcher.current,
    log,
    timers,
    clock: monotonicClock,
    wallClock,
    random: cryptoRandom,
  });
  const end = (): void => {
    void service.close().finally(() => {
      watcher.close();
      link.close();
      log.flush();
      process.exit(0);
    });
  };
  link.onLost(end);
  link.onMessage(({ kind }) => {
    if (kind === 'drain' || kind === 'stop-now') end();
  });
  link.send({ kind: 'ready' });
}

// Messages, spool and socket are for nobody else to read.
process.umask(0o077);
const link = connectParent();
await startOrTellParent(link, () => startMailboxService(link));
