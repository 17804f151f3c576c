import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Directory } from '../../../../src/directory/directory.js';
import { timers } from '../../../../src/platform/clock.js';
import { GatewayNames } from '../../../../src/platform/network/gateway-names.js';
import { objectsOf } from '../../../support/call-bench.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

test('/etc/hosts counts: localhost as the name of a gateway is 127.0.0.1', async () => {
  const names = new GatewayNames({ log: new RecordingLogger(), timers });
  names.take(new Directory(1, objectsOf({ gateway: ['LocalHost'] })));
  await names.firstAnswers();
  const found = ['127.0.0.1', '::ffff:127.0.0.1', '192.0.2.1'].map(
    (address) => names.directory?.gatewayAt(address)?.name,
  );
  assert.deepEqual(found, ['PBX', 'PBX', undefined]);
  names.close();
});
