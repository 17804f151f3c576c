import { parentPort, workerData } from 'node:worker_threads';
import { UmError } from '../../base/errors.js';
import { monotonicClock, timers, wallClock } from '../clock.js';
import { cryptoRandom } from '../random.js';
import { ClipLibrary } from './clip-library.js';
import { dgramIo } from './dgram-io.js';
import { MediaServer } from './media-server.js';
import { PacingWheel } from './pacing-wheel.js';
import { PortLeases } from './port-leases.js';
import type { FromThread, ThreadStart, ToThread } from './thread-protocol.js';

// The media thread: nothing but media runs here, so that a busy main thread delays no packet.
const port = parentPort;
if (port === null) throw new Error('the media thread is started by the media engine only');
const start = workerData as ThreadStart;

/** How much later than BYE a packet may come that was sent before it. */
const STRAGGLE_MS = 40;

/** Waits that long, and then for one round of reading sockets, in case this thread was held up meanwhile. */
function stragglers(): Promise<void> {
  return new Promise((done) => {
    setTimeout(() => setImmediate(done), STRAGGLE_MS);
  });
}

function tell(message: FromThread): void {
  port?.postMessage(message);
}

try {
  const clips = ClipLibrary.load(start.promptDirectory);
  const leases = new PortLeases(dgramIo, monotonicClock, cryptoRandom);
  leases.setRange(start.minimumPort, start.maximumPort);
  const wheel = new PacingWheel(monotonicClock, timers);
  const surroundings = { clock: monotonicClock, wallClock, random: cryptoRandom };
  const server = new MediaServer({ ...surroundings, leases, wheel, clips, tell, stragglers });
  port.on('message', (message: ToThread) => {
    server.handle(message);
  });
  tell({ kind: 'started' });
} catch (error) {
  const fault = error instanceof UmError ? error : new UmError('internal-fault', String(error));
  tell({ kind: 'start-failed', code: fault.code, detail: fault.detail });
}
