import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { UmError } from '../../../src/base/errors.js';
import type { ControlMethod, ProcessReport } from '../../../src/mailbox/control-protocol.js';
import { controlParams, isControlMethod, parseControlRequest } from '../../../src/mailbox/control-request.js';

const isInvalid = (error: unknown): boolean => error instanceof UmError && error.code === 'request-invalid';

describe('a request line', () => {
  test('is taken apart', () => {
    assert.deepEqual(parseControlRequest('{"v":1,"id":7,"method":"messages","params":{"id":"abcdef"}}'), {
      id: 7,
      method: 'messages',
      params: { id: 'abcdef' },
    });
    assert.deepEqual(parseControlRequest('{"v":1,"id":7,"method":"status"}').params, {});
  });

  test('of another version -> daemon-protocol', () => {
    for (const line of ['{"v":2,"id":7,"method":"status"}', '{"id":7,"method":"status"}']) {
      assert.throws(
        () => parseControlRequest(line),
        (error) => error instanceof UmError && error.code === 'daemon-protocol',
      );
    }
  });

  test('of anything else -> request-invalid', () => {
    for (const line of [
      '',
      'x',
      'null',
      '[]',
      '{"v":1}',
      '{"v":1,"id":"1","method":"x"}',
      '{"v":1,"id":1,"method":2}',
    ]) {
      assert.throws(() => parseControlRequest(line), isInvalid, line);
    }
    fc.assert(
      fc.property(fc.json(), (line) => {
        assert.throws(() => parseControlRequest(line), UmError);
      }),
    );
  });
});

describe('parameters', () => {
  const reports: readonly ProcessReport[] = [
    { role: 'supervisor', pid: 1 },
    { role: 'router', pid: 2, tcp: 5060, tls: null },
    {
      role: 'service',
      pid: 3,
      tcp: 5062,
      tls: null,
      workers: [{ pid: 4, generation: 'A', port: null, securePort: null, state: 'starting' }],
    },
    {
      role: 'worker',
      pid: 4,
      generation: 'A',
      port: 5065,
      securePort: null,
      state: 'active',
      rtp: { min: 1024, max: 2048, inUse: 1 },
      calls: [
        {
          callId: 'a',
          from: 'b',
          callerName: '',
          mailbox: 'm',
          extension: '1000',
          startedAt: '2026-11-24T00:00:00.000Z',
          state: 'recording',
          gateway: 'g',
        },
      ],
    },
  ];

  test('reports of all four roles pass as they are', () => {
    for (const report of reports) assert.deepEqual(controlParams('report', report), report);
  });

  test('a report with a member missing or of another type -> request-invalid', () => {
    for (const report of reports) {
      for (const name of Object.keys(report)) {
        const lacking = Object.fromEntries(Object.entries(report).filter(([other]) => other !== name));
        assert.throws(() => controlParams('report', lacking), isInvalid, name);
        assert.throws(() => controlParams('report', { ...report, [name]: { odd: true } }), isInvalid, name);
      }
    }
  });

  test('of every method are checked', () => {
    const bad: readonly (readonly [ControlMethod, unknown])[] = [
      ['status', { x: 1 }],
      ['messages', { kind: 'fax' }],
      ['messages', null],
      ['mark-message', { id: 'a' }],
      ['mark-message', { id: 'a', marks: { read: 'yes' } }],
      ['delete-message', {}],
      ['retry-job', { id: 5 }],
      ['import-directory', {}],
    ];
    for (const [method, params] of bad) assert.throws(() => controlParams(method, params), isInvalid, method);
    assert.deepEqual(controlParams('mark-message', { id: 'a', marks: { read: true } }), {
      id: 'a',
      marks: { read: true },
    });
    assert.deepEqual(controlParams('messages', {}), {});
  });

  test('any JSON as parameters of any method passes or is refused, never another error', () => {
    const methods = ['status', 'messages', 'mark-message', 'report', 'import-directory'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...methods), fc.jsonValue(), (method, params) => {
        try {
          controlParams(method, params);
        } catch (error) {
          assert.ok(isInvalid(error));
        }
      }),
    );
  });

  test('a name out of the prototype is no method', () => {
    for (const name of ['toString', '__proto__', 'constructor', 'hello']) assert.equal(isControlMethod(name), false);
    assert.equal(isControlMethod('status'), true);
  });
});
