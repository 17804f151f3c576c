import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Directory } from '../../../src/directory/directory.js';
import { monotonicClock, timers } from '../../../src/platform/clock.js';
import { statelessTag } from '../../../src/protocol/sip/stateless-tag.js';
import { CallRouter } from '../../../src/services/call-router.js';
import { ownLoopbackAddress } from '../../support/daemon.js';
import { headerOf, RawConnection, type RawResponse } from '../../support/raw-caller.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { requestText, testConfig, testDirectory } from '../../support/sip-scene.js';

const ADDRESS = ownLoopbackAddress(0);

/** A router on real sockets, and one connection to it. */
class Scene {
  readonly log = new RecordingLogger();
  directory: Directory | undefined = testDirectory();
  config = testConfig({ ListenAddress: ADDRESS });
  readonly router: CallRouter;
  #connection: RawConnection | undefined;

  private constructor(servicePort?: number) {
    this.router = new CallRouter({
      log: this.log,
      timers,
      clock: monotonicClock,
      config: () => this.config,
      directory: () => this.directory,
      ...(servicePort === undefined ? {} : { servicePort }),
    });
  }

  static async open(): Promise<Scene> {
    const scene = new Scene();
    await scene.router.listen();
    scene.router.obey({ kind: 'service-state', up: true });
    scene.#connection = await RawConnection.open(ADDRESS, scene.router.port ?? 0, ADDRESS);
    return scene;
  }

  get connection(): RawConnection {
    assert(this.#connection);
    return this.#connection;
  }

  async ask(method: string, uri: string, headers?: readonly string[]): Promise<RawResponse> {
    const { text, callId } = requestText(method, uri, headers);
    this.connection.send(text);
    return this.connection.final(callId, `1 ${method}`);
  }

  async close(): Promise<void> {
    this.connection.close();
    await this.router.close();
  }
}

test('INVITE for a mailbox, service up -> 302 to port 5062 on the address that was reached; no 100 before it', async () => {
  const scene = await Scene.open();
  const response = await scene.ask('INVITE', `sip:9000@${ADDRESS};user=phone`);
  assert.equal(response.status, 302);
  assert.equal(headerOf(response.text, 'Contact'), `<sip:9000@${ADDRESS}:5062;user=phone;transport=tcp>`);
  const callId = headerOf(response.text, 'Call-ID') ?? '';
  assert.match(headerOf(response.text, 'To') ?? '', new RegExp(`;tag=${statelessTag(callId)}$`));
  assert.equal(scene.connection.responses.length, 1);
  await scene.close();
});

test('AdvertisedAddress changes while running -> the next redirect names it', async () => {
  const scene = await Scene.open();
  scene.config = testConfig({ ListenAddress: ADDRESS, AdvertisedAddress: '192.0.2.7' });
  const response = await scene.ask('INVITE', `sip:9000@${ADDRESS}`);
  assert.equal(headerOf(response.text, 'Contact'), '<sip:9000@192.0.2.7:5062;transport=tcp>');
  await scene.close();
});

test('the UM service is down -> 503 with Retry-After and a log line: nobody is sent to a closed port', async () => {
  const scene = await Scene.open();
  scene.router.obey({ kind: 'service-state', up: false });
  const response = await scene.ask('INVITE', `sip:9000@${ADDRESS}`);
  assert.equal(response.status, 503);
  assert.equal(headerOf(response.text, 'Retry-After'), '5');
  assert.match(headerOf(response.text, 'ms-diagnostics') ?? '', /^15013;source="um\.example\.test";reason=/);
  const line = scene.log.lines.find(({ event }) => event === 'call-refused');
  assert.equal(line?.['code'], 'service-down');
  scene.router.obey({ kind: 'service-state', up: true });
  assert.equal((await scene.ask('INVITE', `sip:9000@${ADDRESS}`)).status, 302);
  await scene.close();
});

test('draining -> 503 for new calls, whatever the service says; OPTIONS is still answered', async () => {
  const scene = await Scene.open();
  scene.router.obey({ kind: 'drain' });
  scene.router.obey({ kind: 'service-state', up: true });
  const response = await scene.ask('INVITE', `sip:9000@${ADDRESS}`);
  assert.equal(response.status, 503);
  assert.match(headerOf(response.text, 'ms-diagnostics') ?? '', /^15014;/);
  assert.equal((await scene.ask('OPTIONS', `sip:${ADDRESS}`)).status, 200);
  await scene.close();
});

test('the directory was never read -> 503; once it is there, calls are redirected', async () => {
  const scene = await Scene.open();
  scene.directory = undefined;
  assert.equal((await scene.ask('INVITE', `sip:9000@${ADDRESS}`)).status, 503);
  scene.directory = testDirectory();
  assert.equal((await scene.ask('INVITE', `sip:9000@${ADDRESS}`)).status, 302);
  await scene.close();
});

test('an unknown extension, an unknown method, an unknown dialog -> 404, 405, 481, each with a log line', async () => {
  const scene = await Scene.open();
  const unknown = await scene.ask('INVITE', `sip:9000@${ADDRESS}`, ['Diversion: <sip:4711@pbx>']);
  assert.equal(unknown.status, 404);
  assert.equal((await scene.ask('PUBLISH', `sip:9000@${ADDRESS}`)).status, 405);
  assert.equal((await scene.ask('BYE', `sip:9000@${ADDRESS}`)).status, 481);
  assert.equal(scene.log.events.filter((event) => event === 'call-refused').length, 3);
  await scene.close();
});

test('twenty messages in one write, one of them broken -> nineteen redirects, one 400, in order', async () => {
  const scene = await Scene.open();
  const requests = Array.from({ length: 20 }, () => requestText('INVITE', `sip:9000@${ADDRESS}`));
  const broken = requests[7];
  assert(broken);
  const texts = requests.map(({ text }) => (text === broken.text ? text.replace(/^From:.*\r\n/m, '') : text));
  scene.connection.send(texts.join(''));
  await scene.connection.received(() => (scene.connection.responses.length === 20 ? true : undefined));
  const statuses = scene.connection.responses.map(({ status }) => status);
  assert.deepEqual(
    statuses,
    requests.map((request) => (request === broken ? 400 : 302)),
  );
  assert.equal(scene.log.lines.find(({ event }) => event === 'call-refused')?.['code'], 'malformed-message');
  await scene.close();
});

test('bytes that are no SIP -> answered if it can be, a log line, and the router goes on', async () => {
  const scene = await Scene.open();
  const noise = await RawConnection.open(ADDRESS, scene.router.port ?? 0, ADDRESS);
  noise.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await scene.ask('INVITE', `sip:9000@${ADDRESS}`)).status, 302);
  noise.close();
  await scene.close();
});

test('ACK and CANCEL are never answered', async () => {
  const scene = await Scene.open();
  scene.connection.send(requestText('ACK', `sip:9000@${ADDRESS}`).text);
  scene.connection.send(requestText('CANCEL', `sip:9000@${ADDRESS}`).text);
  assert.equal((await scene.ask('OPTIONS', `sip:${ADDRESS}`)).status, 200);
  assert.equal(scene.connection.responses.length, 1);
  await scene.close();
});

test('the port is taken -> port-taken', async () => {
  const scene = await Scene.open();
  await assert.rejects(Scene.open(), (error: { code?: string }) => error.code === 'port-taken');
  await scene.close();
});

test('status shows the open port, and none once it is closed', async () => {
  const scene = await Scene.open();
  assert.deepEqual(scene.router.report(), { role: 'router', pid: process.pid, tcp: 5060, tls: null });
  await scene.close();
  assert.deepEqual(scene.router.report(), { role: 'router', pid: process.pid, tcp: null, tls: null });
});
