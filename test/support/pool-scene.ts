import assert from 'node:assert/strict';
import type { GenerationTimes } from '../../src/services/worker-generations.js';
import { WorkerPool } from '../../src/services/worker-pool.js';
import type { Generation } from '../../src/services/worker-start.js';
import { RecordingLogger } from './recording-logger.js';
import { ScriptedChild } from './scripted-child.js';
import { settled, VirtualTime } from './virtual-time.js';

/** Times of a pool's workers, until a test sets others. */
export const TIMES: GenerationTimes = { recycleMs: 3_600_000, startTimeoutMs: 20_000, hangTimeoutMs: 30_000 };

/** A pool of scripted workers on virtual time. */
export class PoolScene {
  readonly time = new VirtualTime();
  readonly log = new RecordingLogger();
  readonly forks: { readonly generation: Generation; readonly port: number; readonly child: ScriptedChild }[] = [];
  readonly said: string[] = [];
  /** How often it was told that what the pool says of its workers has changed. */
  changes = 0;
  /** Ports that somebody else has. */
  readonly taken = new Set<number>();
  times = TIMES;
  readonly pool: WorkerPool;

  constructor() {
    this.pool = new WorkerPool({
      log: this.log,
      timers: this.time,
      clock: this.time,
      times: () => this.times,
      fork: (generation, port, events) => {
        const child = new ScriptedChild(events);
        this.forks.push({ generation, port, child });
        return child;
      },
      isPortFree: (port) => Promise.resolve(!this.taken.has(port)),
      events: {
        onActive: (port) => this.said.push(`active ${String(port)}`),
        onAlive: (port) => this.said.push(`alive ${String(port)}`),
        onCalls: (count) => this.said.push(`calls ${String(count)}`),
        onFatal: (code, detail) => this.said.push(`fatal ${code} ${detail}`),
        onEnded: () => this.said.push('ended'),
        onChanged: () => (this.changes += 1),
      },
    });
  }

  static async starting(): Promise<PoolScene> {
    const scene = new PoolScene();
    scene.pool.start();
    await settled();
    return scene;
  }

  static async active(): Promise<PoolScene> {
    const scene = await PoolScene.starting();
    scene.child(0).says({ kind: 'ready' });
    return scene;
  }

  /** The active worker is due for recycling; its successor listens, but the mailbox service is away. */
  static async withBlindSuccessor(): Promise<PoolScene> {
    const scene = await PoolScene.active();
    await scene.beating(TIMES.recycleMs, 0);
    scene.child(1).says({ kind: 'ready', hasDirectory: false });
    return scene;
  }

  /** The n-th worker process, in the order of their starts. */
  child(n: number): ScriptedChild {
    const fork = this.forks[n];
    assert(fork, `worker ${String(n)} was never started`);
    return fork.child;
  }

  get generations(): string {
    return this.forks.map(({ generation }) => generation).join('');
  }

  /** Lets time pass while the workers named beat. */
  async beating(ms: number, ...children: readonly number[]): Promise<void> {
    const stepMs = Math.min(this.times.hangTimeoutMs / 4, ms);
    for (let left = ms; left > 0; left -= stepMs) {
      for (const n of children) this.child(n).says({ kind: 'heartbeat' });
      await this.time.pass(Math.min(stepMs, left));
    }
  }
}
