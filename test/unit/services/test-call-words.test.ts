import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERRORS } from '../../../src/base/errors.js';
import { describeHop } from '../../../src/services/test-call-words.js';

const by = { address: '192.0.2.1', port: 5_060 };

describe('a hop in words', () => {
  test('a refusal of ours has its code, and what to do on a line of its own', () => {
    const words = describeHop({ kind: 'refused', status: 404, by, detail: 'Not Found', code: 'mailbox-unknown' });
    assert.equal(
      words,
      `  192.0.2.1:5060 refuses with 404: Not Found [mailbox-unknown]\n  What to do: ${ERRORS['mailbox-unknown'].advice}`,
    );
  });

  test('a refusal of somebody else has what it says', () => {
    assert.equal(
      describeHop({ kind: 'refused', status: 486, by, detail: 'Busy Here' }),
      '  192.0.2.1:5060 refuses with 486: Busy Here',
    );
  });

  test('who ended the call is told apart', () => {
    assert.equal(describeHop({ kind: 'hung-up', seconds: 4 }), '  hung up after 4.0 s of speech');
    assert.equal(
      describeHop({ kind: 'ended-by-server', seconds: 1.5 }),
      '  the server ended the call after 1.5 s of speech',
    );
  });
});
