import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ThreadWatch } from '../../../../src/platform/media/thread-watch.js';
import { VirtualTime } from '../../../support/virtual-time.js';

/** A watch over a thread that answers while `answers` holds. */
class Scene {
  readonly time = new VirtualTime();
  readonly watch: ThreadWatch;
  answers = true;
  asked = 0;
  hangs = 0;

  constructor(hangAfterMs = 30_000) {
    this.watch = new ThreadWatch({
      timers: this.time,
      hangAfterMs,
      ask: () => {
        this.asked += 1;
        // Its answer comes later, as from a thread.
        if (!this.answers) return;
        setImmediate(() => {
          this.watch.answered();
        });
      },
      hangs: () => {
        this.hangs += 1;
      },
    });
  }
}

describe('ThreadWatch', () => {
  it('a thread that answers -> asked once a second, and never taken for hung', async () => {
    const scene = new Scene();
    await scene.time.pass(120_000);
    assert.equal(scene.asked, 121);
    assert.equal(scene.hangs, 0);
    scene.watch.stop();
  });

  it('a thread that answers nothing for hangAfterMs -> hung, told once, and asked no more', async () => {
    const scene = new Scene();
    await scene.time.pass(10_500);
    scene.answers = false;
    // Asked at 11 s for the first time without answer.
    await scene.time.pass(30_000);
    assert.equal(scene.hangs, 0);
    await scene.time.pass(500);
    assert.equal(scene.hangs, 1);
    assert.equal(scene.time.waiting, 0);
  });

  it('a thread that was busy and answers again -> watched anew', async () => {
    const scene = new Scene();
    scene.answers = false;
    await scene.time.pass(29_500);
    scene.answers = true;
    scene.watch.answered();
    await scene.time.pass(60_000);
    assert.equal(scene.hangs, 0);
    scene.watch.stop();
  });

  it('hangAfterMs set anew -> in effect at the next beat', async () => {
    const scene = new Scene();
    scene.answers = false;
    await scene.time.pass(3_500);
    scene.watch.hangAfterMs = 3_000;
    await scene.time.pass(500);
    assert.equal(scene.hangs, 1);
  });

  it('stopped -> no timer is left', () => {
    const scene = new Scene();
    scene.watch.stop();
    assert.equal(scene.time.waiting, 0);
  });

  it('the timers of its own do not keep the process alive', () => {
    const timeouts = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timeouts();
    const watch = new ThreadWatch({ hangAfterMs: 30_000, ask: () => undefined, hangs: () => undefined });
    assert.equal(timeouts(), before);
    watch.stop();
  });
});
