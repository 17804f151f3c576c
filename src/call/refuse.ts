import { type ErrorCode, UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { SipSyntaxError } from '../protocol/sip/syntax-error.js';
import type { SipRequest } from '../protocol/sip/message.js';
import type { HeaderLine } from '../protocol/sip/request.js';
import type { ResponseParts } from '../protocol/sip/response.js';
import { ACCEPT, lackingExtensions } from '../routing/capabilities.js';
import { logRefusal, refusal } from '../routing/refusal.js';
import type { CallEnvironment } from './call-environment.js';
import type { IncomingTransaction } from './signalling-port.js';

/**
 * Refuses a request: the response to the peer, with what the peer needs to do better, and the line in the log.
 *
 * @param error - a UmError or SipSyntaxError; anything else is a fault of ours, of which the peer learns no more than that
 */
export function refuse(
  transaction: IncomingTransaction,
  error: unknown,
  environment: Pick<CallEnvironment, 'config' | 'log'>,
  change: Partial<Pick<ResponseParts, 'status' | 'headers'>> = {},
): void {
  const { request, flow } = transaction;
  const { code, detail } = causeOf(error);
  if (code === 'internal-fault') logFault(environment.log, request.callId, error);
  const headers = [...headersOf(code, request), ...(change.headers ?? [])];
  const parts = refusal(code, detail, environment.config().serverName, headers);
  const status = change.status ?? parts.status;
  logRefusal(environment.log, { request, flow, code, detail, status });
  transaction.respond({ ...parts, status });
}

/** A bug of ours in the middle of a call: for the log only. */
export function logFault(log: Logger, callId: string, error: unknown): void {
  const stack = error instanceof Error ? error.stack : String(error);
  log.error({ event: 'internal-fault', callId, stack }, 'a fault of OpenUM itself ends or refuses a call');
}

function causeOf(error: unknown): { readonly code: ErrorCode; readonly detail: string } {
  if (error instanceof UmError) return error;
  if (error instanceof SipSyntaxError) return { code: 'malformed-message', detail: error.message };
  return { code: 'internal-fault', detail: 'the log of the server has more' };
}

/**
 * The session description in a message; undefined when it has no body, or one that may be passed over.
 *
 * @throws UmError 'body-type-unsupported'
 * @see RFC 3261 §8.2.3
 */
export function readSdpBody(request: SipRequest): string | undefined {
  if (request.body === '') return undefined;
  const type = request.header('content-type') ?? ACCEPT;
  const encoding = request.header('content-encoding')?.toLowerCase() ?? 'identity';
  const isSdp = type.split(';', 1)[0]?.trim().toLowerCase() === ACCEPT;
  if (isSdp && encoding === 'identity') return request.body;
  if (/;\s*handling\s*=\s*"?optional\b/i.test(request.header('content-disposition') ?? '')) return undefined;
  throw new UmError('body-type-unsupported', isSdp ? `Content-Encoding ${encoding.slice(0, 60)}` : type.slice(0, 60));
}

function headersOf(code: ErrorCode, request: SipRequest): readonly HeaderLine[] {
  return code === 'extension-unsupported' ? [['Unsupported', lackingExtensions(request).join(', ')]] : [];
}
