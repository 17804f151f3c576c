import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../../src/base/version.js';
import type { CallReport, ProcessReport } from '../../../src/mailbox/control-protocol.js';
import { statusReport } from '../../../src/mailbox/status-report.js';

const facts = { pid: 9, directoryVersion: 3, outbox: { waiting: 1, dead: 2 }, rtp: { min: 100, max: 200 } };
const call: CallReport = {
  callId: 'a',
  from: 'b',
  callerName: '',
  mailbox: 'm',
  extension: '1000',
  startedAt: '2026-11-24T00:00:00.000Z',
  state: 'recording',
  gateway: 'g',
};
const worker = (pid: number, state: 'active' | 'draining', calls: number): ProcessReport => ({
  role: 'worker',
  pid,
  generation: state === 'active' ? 'B' : 'A',
  port: state === 'active' ? 5067 : 5065,
  securePort: null,
  state,
  rtp: { min: pid, max: pid + 50, inUse: calls },
  calls: Array.from({ length: calls }, () => call),
});

test('nobody connected -> nulls, and the configured RTP range', () => {
  assert.deepEqual(statusReport([], facts), {
    version: VERSION,
    directoryVersion: 3,
    supervisor: { pid: null },
    mailbox: { pid: 9 },
    router: { pid: null, tcp: null, tls: null },
    service: { pid: null, tcp: null, tls: null },
    workers: [],
    rtp: { min: 100, max: 200, inUse: 0 },
    calls: [],
    outbox: { waiting: 1, dead: 2 },
  });
});

test('workers: the active one first, calls from their own reports, a hung one as its service says, orphans too', () => {
  const status = statusReport(
    [
      {
        role: 'service',
        pid: 5,
        tcp: 5062,
        tls: null,
        workers: [
          { pid: 10, generation: 'A', port: 5065, securePort: null, state: 'hung' },
          { pid: 20, generation: 'B', port: 5067, securePort: null, state: 'active' },
        ],
      },
      worker(30, 'draining', 1),
      worker(10, 'active', 0),
      worker(20, 'active', 2),
    ],
    facts,
  );
  assert.deepEqual(
    status.workers.map(({ pid, state, calls }) => [pid, state, calls]),
    [
      [20, 'active', 2],
      [30, 'draining', 1],
      [10, 'hung', 0],
    ],
  );
  assert.equal(status.calls.length, 3);
  assert.equal(status.rtp.inUse, 3);
});

test('two connections of one role -> the newer one counts', () => {
  const router = (pid: number): ProcessReport => ({ role: 'router', pid, tcp: 5060, tls: null });
  assert.deepEqual(statusReport([router(1), router(2)], facts).router, { pid: 2, tcp: 5060, tls: null });
});
