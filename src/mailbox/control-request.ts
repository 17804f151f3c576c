import { UmError } from '../base/errors.js';
import type { ControlMethod, ControlMethods } from './control-protocol.js';
import { CONTROL_VERSION } from './control-protocol.js';
import {
  both,
  isFlag,
  isInteger,
  isText,
  listOf,
  nullOr,
  oneOf,
  partialRecord,
  record,
  type Shape,
  type ShapeOf,
} from './json-shape.js';

/** First message of a client that wants the directory and its changes. */
export const HELLO = 'hello';

/** One line from a client, its parameters not looked at yet. */
export interface ControlRequest {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

const isEnvelope = both(record({ id: isInteger, method: isText }), partialRecord({ v: isInteger }));

/**
 * One line from a client.
 *
 * @throws UmError 'request-invalid' when it is no request, 'daemon-protocol' when it is one of another version
 */
export function parseControlRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UmError('request-invalid', 'the line is no JSON');
  }
  if (!isEnvelope(value)) throw new UmError('request-invalid', 'a request has v, id, method and params');
  if (value.v !== CONTROL_VERSION) {
    throw new UmError(
      'daemon-protocol',
      `the request has version ${String(value.v)}, we speak ${String(CONTROL_VERSION)}`,
    );
  }
  const params: unknown = 'params' in value ? value.params : {};
  return { id: value.id, method: value.method, params };
}

const isNothing: Shape<Readonly<Record<string, never>>> = (value): value is Readonly<Record<string, never>> =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const hasId = record({ id: isText });
const isPort = nullOr(isInteger);

const isWorker = record({
  pid: isInteger,
  generation: oneOf('A', 'B'),
  port: isPort,
  securePort: isPort,
  state: oneOf('starting', 'active', 'draining', 'hung'),
});
const isCall = record({
  callId: isText,
  from: isText,
  callerName: isText,
  mailbox: isText,
  extension: isText,
  startedAt: isText,
  state: oneOf('ringing', 'answering', 'recording', 'ending'),
  gateway: isText,
});
const isListening = record({ pid: isInteger, tcp: isPort, tls: isPort });
const isSupervisorReport = record({ role: oneOf('supervisor'), pid: isInteger });
const isRouterReport = both(record({ role: oneOf('router') }), isListening);
const isServiceReport = both(record({ role: oneOf('service'), workers: listOf(isWorker) }), isListening);
const isWorkerReport = both(
  record({
    role: oneOf('worker'),
    rtp: record({ min: isInteger, max: isInteger, inUse: isInteger }),
    calls: listOf(isCall),
  }),
  isWorker,
);
type AnyReport =
  | ShapeOf<typeof isSupervisorReport>
  | ShapeOf<typeof isRouterReport>
  | ShapeOf<typeof isServiceReport>
  | ShapeOf<typeof isWorkerReport>;
const isReport: Shape<AnyReport> = (value): value is AnyReport =>
  isSupervisorReport(value) || isRouterReport(value) || isServiceReport(value) || isWorkerReport(value);

const PARAMS: { readonly [M in ControlMethod]: Shape<ControlMethods[M]['params']> } = {
  status: isNothing,
  'router-end': isNothing,
  messages: partialRecord({ kind: oneOf('voice', 'missed-call'), mailbox: isText, id: isText }),
  'mark-message': record({
    id: isText,
    marks: partialRecord({ read: isFlag, urgent: isFlag, private: isFlag }),
  }),
  'delete-message': hasId,
  outbox: isNothing,
  'retry-job': hasId,
  'discard-job': hasId,
  'export-directory': isNothing,
  'import-directory': (value): value is { readonly document: unknown } =>
    typeof value === 'object' && value !== null && 'document' in value,
  report: isReport,
  'spool-changed': isNothing,
};

/** Whether there is a method of this name. */
export function isControlMethod(name: string): name is ControlMethod {
  return Object.hasOwn(PARAMS, name);
}

/**
 * The parameters of a method, checked.
 *
 * @throws UmError 'request-invalid'
 */
export function controlParams<M extends ControlMethod>(method: M, params: unknown): ControlMethods[M]['params'] {
  const shape: Shape<ControlMethods[M]['params']> = PARAMS[method];
  if (!shape(params)) throw new UmError('request-invalid', `the parameters of ${method} are not what it takes`);
  return params;
}
