import { monotonicClock, timers } from '../platform/clock.js';
import { connectParent, type ParentLink } from '../platform/process/parent-link.js';
import { CallRouter } from './call-router.js';
import { ServiceProcess, startOrTellParent } from './service-process.js';
import { readStartOptions } from './worker-start.js';

async function startRouter(link: ParentLink): Promise<void> {
  const shared: ServiceProcess = new ServiceProcess({
    name: 'call-router',
    start: readStartOptions(process.argv[2]),
    link,
    report: () => router.report(),
    onDirectory: () => {
      tellReady();
    },
  });
  const router: CallRouter = new CallRouter({
    log: shared.log,
    timers,
    clock: monotonicClock,
    config: () => shared.config,
    directory: () => shared.directory,
  });
  /** Without the directory it could only refuse. */
  const tellReady = (): void => {
    if (router.port !== null && shared.directory !== undefined) link.send({ kind: 'ready', ports: [router.port] });
  };
  const end = (): void => {
    void router.close().finally(() => {
      shared.end(0);
    });
  };
  link.onLost(end);
  link.onMessage((message) => {
    router.obey(message);
    if (message.kind === 'stop-now') end();
  });
  shared.connect();
  await router.listen();
  shared.publish();
  tellReady();
}

const link = connectParent();
await startOrTellParent(link, () => startRouter(link));
