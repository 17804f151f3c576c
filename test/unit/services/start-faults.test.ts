import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import { describeFaults } from '../../../src/services/start-faults.js';

test('every fault of a start is told with its facts, its code and the way out', () => {
  const words = describeFaults([
    new UmError('port-taken', '127.0.0.1:5060 (call router): in use\n127.0.0.1:5062 (UM service): in use'),
    new UmError('data-unwritable', '/var/lib/openum: EACCES'),
  ]);
  assert.equal(
    words,
    `openum cannot start:
  a port that OpenUM needs is in use [port-taken]
    127.0.0.1:5060 (call router): in use
    127.0.0.1:5062 (UM service): in use
    -> stop the program that has it, or bind OpenUM to another address with --listen ADDRESS
  the data directory cannot be written [data-unwritable]
    /var/lib/openum: EACCES
    -> name another with --data, or give this one to the user that runs OpenUM
`,
  );
});
