import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../../../src/base/limits.js';
import { Directory } from '../../../../src/directory/directory.js';
import {
  FIRST_ANSWERS_PATIENCE_MS,
  GatewayNames,
  LOOKUP_INTERVAL_MS,
  LOOKUPS_AT_ONCE,
} from '../../../../src/platform/network/gateway-names.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { settled, VirtualTime } from '../../../support/virtual-time.js';
import { objectsOf, sampleDocument } from '../../directory/sample-directory.js';

function directoryOf(...names: readonly string[]): Directory {
  const document = sampleDocument();
  document.huntGroups = [];
  document.gateways = names.map((name) => ({ name, addresses: [name] }));
  return new Directory(1, objectsOf(document));
}

interface Question {
  readonly name: string;
  answer(...addresses: readonly string[]): Promise<void>;
  fail(fault: string): Promise<void>;
}

/** A resolver that answers when the test does. */
class Scene {
  readonly time = new VirtualTime();
  readonly log = new RecordingLogger();
  readonly asked: Question[] = [];
  readonly names: GatewayNames;

  constructor() {
    this.names = new GatewayNames({
      log: this.log,
      timers: this.time,
      lookUp: (name) =>
        new Promise((resolve, reject) => {
          this.asked.push({
            name,
            answer: (...addresses) => {
              resolve(addresses);
              return settled();
            },
            fail: (fault) => {
              reject(new Error(fault));
              return settled();
            },
          });
        }),
    });
  }

  /** The oldest question that was not taken yet. */
  question(): Question {
    const question = this.asked.shift();
    assert.ok(question, 'nothing was asked');
    return question;
  }

  at(address: string): string | undefined {
    return this.names.directory?.gatewayAt(address)?.name;
  }
}

/** A scene with one name that has an address. */
async function resolved(): Promise<Scene> {
  const scene = new Scene();
  scene.names.take(directoryOf('pbx.example'));
  await scene.question().answer('192.0.2.5');
  return scene;
}

describe('names of gateways', () => {
  test('before the first answer a name matches nothing; with it, its addresses', async () => {
    const scene = new Scene();
    assert.equal(scene.names.directory, undefined);
    scene.names.take(directoryOf('pbx.example'));
    assert.equal(scene.at('192.0.2.5'), undefined);
    await scene.question().answer('192.0.2.5', '::ffff:192.0.2.6');
    assert.equal(scene.at('192.0.2.5'), 'pbx.example');
    assert.equal(scene.at('192.0.2.6'), 'pbx.example');
    assert.deepEqual(scene.log.events, ['gateway-name-resolved']);
  });

  test('asked again every minute: a gateway that moves is known at its new address, no longer at its old one', async () => {
    const scene = await resolved();
    await scene.time.pass(LOOKUP_INTERVAL_MS - 1);
    assert.equal(scene.asked.length, 0);
    await scene.time.pass(1);
    await scene.question().answer('192.0.2.6');
    assert.deepEqual([scene.at('192.0.2.5'), scene.at('192.0.2.6')], [undefined, 'pbx.example']);
    await scene.time.pass(LOOKUP_INTERVAL_MS);
    await scene.question().answer('192.0.2.6');
    assert.deepEqual(scene.log.events, ['gateway-name-resolved', 'gateway-name-resolved']);
  });

  test('the same addresses in another order are no change', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('pbx.example'));
    await scene.question().answer('192.0.2.5', '192.0.2.6');
    const { directory } = scene.names;
    await scene.time.pass(LOOKUP_INTERVAL_MS);
    await scene.question().answer('192.0.2.6', '192.0.2.5', '192.0.2.6');
    assert.equal(scene.names.directory, directory);
    assert.equal(scene.log.lines.length, 1);
  });

  test('DNS fails -> the last good answer counts, one warning; DNS answers again -> one line', async () => {
    const scene = await resolved();
    for (const fault of ['EAI_AGAIN', 'ENOTFOUND']) {
      await scene.time.pass(LOOKUP_INTERVAL_MS);
      await scene.question().fail(fault);
      assert.equal(scene.at('192.0.2.5'), 'pbx.example');
    }
    await scene.time.pass(LOOKUP_INTERVAL_MS);
    await scene.question().answer('192.0.2.5');
    await scene.time.pass(LOOKUP_INTERVAL_MS);
    await scene.question().answer();
    const levels = scene.log.lines.map(({ level, event }) => `${level} ${event ?? ''}`);
    const [good, bad] = ['info gateway-name-resolved', 'warn gateway-name-unresolved'];
    assert.deepEqual(levels, [good, bad, good, bad]);
    assert.match(scene.log.lines[1]?.sentence ?? '', /EAI_AGAIN.*its last addresses stay in force: 192\.0\.2\.5/);
    assert.match(scene.log.lines[3]?.sentence ?? '', /the answer has no address/);
  });

  test('no answer in time -> a warning, and the next name has its turn; a late answer counts', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('a.example', 'b.example', 'c.example'));
    const [a] = scene.asked;
    assert.deepEqual(
      scene.asked.splice(0).map(({ name }) => name),
      ['a.example', 'b.example'],
    );
    await scene.time.pass(LIMITS.gatewayLookupMs);
    assert.deepEqual(scene.log.events, ['gateway-name-unresolved', 'gateway-name-unresolved']);
    assert.match(scene.log.lines[0]?.sentence ?? '', /no answer within 5 s.*its calls are refused/);
    assert.equal(scene.question().name, 'c.example');
    await a?.answer('192.0.2.1');
    assert.equal(scene.at('192.0.2.1'), 'a.example');
  });

  test('threat: a DNS server that never answers is asked once for each name, not once a minute', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('a.example', 'b.example', 'c.example'));
    await scene.time.pass(10 * LOOKUP_INTERVAL_MS);
    assert.deepEqual(
      scene.asked.map(({ name }) => name),
      ['a.example', 'b.example', 'c.example'],
    );
    assert.equal(scene.log.lines.length, 3);
  });

  test('few are asked at once, and all in the end', async () => {
    const scene = new Scene();
    const all = Array.from({ length: 9 }, (_, index) => `pbx${String(index)}.example`);
    scene.names.take(directoryOf(...all));
    const seen: string[] = [];
    while (seen.length < all.length) {
      assert.ok(scene.asked.length > 0 && scene.asked.length <= LOOKUPS_AT_ONCE);
      const question = scene.question();
      seen.push(question.name);
      await question.answer('192.0.2.1');
    }
    assert.deepEqual(seen, all);
  });

  test('threat: an answer of a thousand addresses trusts some dozens', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('pbx.example'));
    const many = Array.from({ length: 1_000 }, (_, index) => `10.0.${String(index >> 8)}.${String(index & 255)}`);
    await scene.question().answer(...many);
    assert.equal(many.filter((address) => scene.at(address)).length, LIMITS.gatewayNameAddresses);
  });
});

describe('a new directory', () => {
  test('names that stay keep their answers, new ones are asked for at once, those that are gone match nothing', async () => {
    const scene = await resolved();
    scene.names.take(directoryOf('new.example', 'PBX.example'));
    assert.equal(scene.at('192.0.2.5'), 'PBX.example');
    const question = scene.question();
    assert.deepEqual([question.name, scene.asked.length], ['new.example', 0]);
    await question.answer('192.0.2.6');
    assert.equal(scene.at('192.0.2.6'), 'new.example');
    scene.names.take(directoryOf('new.example'));
    assert.equal(scene.at('192.0.2.5'), undefined);
  });

  test('a delta on top of it keeps the answers', async () => {
    const scene = await resolved();
    const next = scene.names.directory?.apply({ version: 2, put: [], removed: [] });
    assert.ok(next);
    scene.names.take(next);
    assert.deepEqual([scene.names.directory?.version, scene.at('192.0.2.5')], [2, 'pbx.example']);
  });

  test('the answer for a name that has gone meanwhile is nothing', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('pbx.example'));
    scene.names.take(directoryOf());
    await scene.question().fail('ENOTFOUND');
    await scene.time.pass(2 * LOOKUP_INTERVAL_MS);
    assert.deepEqual([scene.asked.length, scene.log.lines.length, scene.time.waiting], [0, 0, 0]);
  });

  test('without names nothing is asked, and no timer runs', () => {
    const scene = new Scene();
    scene.names.take(directoryOf());
    assert.deepEqual([scene.asked.length, scene.time.waiting], [0, 0]);
  });
});

describe('who waits for the first answers', () => {
  async function isOver(promise: Promise<void>): Promise<boolean> {
    let over = false;
    void promise.then(() => (over = true));
    await settled();
    return over;
  }

  test('waits for the last of them, be it good or bad', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('a.example', 'b.example'));
    const waiting = scene.names.firstAnswers();
    await scene.question().answer('192.0.2.1');
    assert.equal(await isOver(waiting), false);
    await scene.question().fail('ENOTFOUND');
    assert.equal(await isOver(waiting), true);
    assert.equal(await isOver(scene.names.firstAnswers()), true);
  });

  test('waits a second at most, and not at all without names', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf());
    assert.equal(await isOver(scene.names.firstAnswers()), true);
    scene.names.take(directoryOf('a.example'));
    const waiting = scene.names.firstAnswers();
    await scene.time.pass(FIRST_ANSWERS_PATIENCE_MS);
    assert.equal(await isOver(waiting), true);
  });

  test('closed: nobody waits, nothing is asked, and no timer but that of a look-up under way is left', async () => {
    const scene = new Scene();
    scene.names.take(directoryOf('a.example', 'b.example', 'c.example'));
    const waiting = scene.names.firstAnswers();
    scene.names.close();
    assert.equal(await isOver(waiting), true);
    await scene.question().answer('192.0.2.1');
    await scene.question().fail('ENOTFOUND');
    assert.deepEqual([scene.asked.length, scene.log.lines.length, scene.time.waiting], [0, 0, 0]);
  });
});
