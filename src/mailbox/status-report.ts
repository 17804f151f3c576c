import { VERSION } from '../base/version.js';
import type { ProcessReport, RtpReport, StatusReport, WorkerState } from './control-protocol.js';

/** What the mailbox service itself adds to what the processes reported. */
export interface StatusFacts {
  /** Pid of the mailbox service. */
  readonly pid: number;
  readonly directoryVersion: number;
  readonly outbox: StatusReport['outbox'];
  /** The configured range, told while no worker is there. */
  readonly rtp: Omit<RtpReport, 'inUse'>;
}

type ReportOf<Role extends ProcessReport['role']> = Extract<ProcessReport, { readonly role: Role }>;
type WorkerStatus = StatusReport['workers'][number];

const ORDER: readonly WorkerState[] = ['active', 'starting', 'draining', 'hung'];

/** The whole server out of the newest report of each process that is connected. */
export function statusReport(reports: readonly ProcessReport[], facts: StatusFacts): StatusReport {
  const supervisor = lastOf(reports, 'supervisor');
  const router = lastOf(reports, 'router');
  const service = lastOf(reports, 'service');
  const workers = reports.filter((report): report is ReportOf<'worker'> => report.role === 'worker');
  return {
    version: VERSION,
    directoryVersion: facts.directoryVersion,
    supervisor: { pid: supervisor?.pid ?? null },
    mailbox: { pid: facts.pid },
    router: listening(router),
    service: listening(service),
    workers: workerStatus(service, workers),
    rtp: rtpReport(workers, facts.rtp),
    calls: workers.flatMap((worker) => worker.calls),
    outbox: facts.outbox,
  };
}

function listening(report: ReportOf<'router' | 'service'> | undefined): StatusReport['router'] {
  return report ? { pid: report.pid, tcp: report.tcp, tls: report.tls } : { pid: null, tcp: null, tls: null };
}

/** The range of new calls, the pairs of all. */
function rtpReport(workers: readonly ReportOf<'worker'>[], configured: StatusFacts['rtp']): RtpReport {
  const active = workers.find((worker) => worker.state === 'active') ?? workers[0];
  const { min, max } = active?.rtp ?? configured;
  return { min, max, inUse: workers.reduce((sum, worker) => sum + worker.rtp.inUse, 0) };
}

/** Those that the UM service knows, and those that outlived theirs. Its word counts: a hung worker does not know that it hangs. */
function workerStatus(
  service: ReportOf<'service'> | undefined,
  workers: readonly ReportOf<'worker'>[],
): readonly WorkerStatus[] {
  const own = new Map(workers.map((worker) => [worker.pid, worker]));
  const known = service?.workers ?? [];
  const orphans = workers.filter((worker) => !known.some((other) => other.pid === worker.pid));
  return [...known, ...orphans]
    .map(({ pid, generation, port, securePort, state }) => {
      return { pid, generation, port, securePort, state, calls: own.get(pid)?.calls.length ?? 0 };
    })
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

/** The newest connection's: an old one of a process that was killed may not be noticed yet. */
function lastOf<Role extends ProcessReport['role']>(
  reports: readonly ProcessReport[],
  role: Role,
): ReportOf<Role> | undefined {
  return reports.findLast((report): report is ReportOf<Role> => report.role === role);
}
