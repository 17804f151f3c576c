import { monotonicClock, timers, wallClock } from '../platform/clock.js';
import { loadConfig } from '../platform/config/config-file.js';
import { createLogger } from '../platform/logging.js';
import { connectParent } from '../platform/process/parent-link.js';
import { cryptoRandom } from '../platform/random.js';
import { endOnFault, startOrTellParent } from './service-process.js';
import { startWorker } from './um-worker.js';
import { readWorkerStart } from './worker-start.js';

const link = connectParent();

await startOrTellParent(link, async () => {
  const start = readWorkerStart(process.argv[2]);
  const loaded = loadConfig(start.start, process.env);
  const log = createLogger(`um-worker-${start.generation}`, loaded.config.logLevel);
  endOnFault(log);
  const worker = await startWorker({
    start,
    loaded,
    environment: process.env,
    link,
    log,
    timers,
    clock: monotonicClock,
    wallClock,
    random: cryptoRandom,
  });
  void worker.ended.then((status) => {
    log.flush();
    process.exit(status);
  });
});
