import { type ErrorCode, ERRORS, type ErrorSpec } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Logger } from '../base/logger.js';
import { PRODUCT } from '../base/version.js';
import { type Flow, hostPortText } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import type { HeaderLine } from '../protocol/sip/request.js';
import type { ResponseParts } from '../protocol/sip/response.js';
import { bytesOfText, cleanText, textOfBytes } from './byte-text.js';
import { ACCEPT, ALLOW } from './capabilities.js';

/**
 * The response that refuses a request: the status of the error table, and `ms-diagnostics` in Exchange's form
 * (`15003;source="um.example.com";reason="…"`). The caller adds the To tag.
 *
 * @param detail - what was found in this very case; may repeat what the peer sent. Of 'extension-unsupported' it is the list of
 *   option tags that Unsupported names
 * @param source - name of this server
 * @param extra - headers that only the caller knows, such as Unsupported
 */
export function refusal(
  code: ErrorCode,
  detail: string,
  source: string,
  extra: readonly HeaderLine[] = [],
): ResponseParts {
  const spec: ErrorSpec = ERRORS[code];
  const { status, diagnostics } = spec.sip ?? { status: 500, diagnostics: 15_028 };
  const given = new Set(extra.map(([name]) => name.toLowerCase()));
  const own = headersOf(status, detail).filter(([name]) => !given.has(name.toLowerCase()));
  const reason = quotable(`${spec.summary}: ${detail}`, LIMITS.diagnosticsCharacters);
  return {
    status,
    headers: [
      ['ms-diagnostics', `${String(diagnostics)};source="${quotable(source, 253)}";reason="${reason}"`],
      ['Server', PRODUCT],
      ...own,
      ...extra,
    ],
  };
}

/** A request that was refused, and why. */
export interface RefusedRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly code: ErrorCode;
  readonly detail: string;
  /** The response's, where it is not the one that belongs to the code. */
  readonly status?: number;
}

/** One line for the admin: who was refused, why, and what to change. */
export function logRefusal(log: Logger, { request, flow, code, detail, status }: RefusedRequest): void {
  const spec: ErrorSpec = ERRORS[code];
  const peer = hostPortText(flow.peer);
  const shown = cleanText(detail, LIMITS.diagnosticsCharacters);
  const facts = {
    event: 'call-refused',
    status: status ?? spec.sip?.status ?? 500,
    code,
    peer,
    method: clip(request.method),
    requestUri: clip(request.requestUri),
    callId: clip(request.header('call-id') ?? ''),
  };
  log.warn(facts, `${facts.method} of ${peer} is refused: ${spec.summary}: ${shown}. What to do: ${spec.advice}.`);
}

/** Headers that a status asks for: RFC 3261 §21.5.4, §21.4.6, §21.4.15, §21.4.13. */
function headersOf(status: number, detail: string): readonly HeaderLine[] {
  switch (status) {
    case 503:
      return [['Retry-After', String(LIMITS.retryAfterSeconds)]];
    case 405:
      return [['Allow', ALLOW]];
    case 420:
      return optionTags(detail);
    case 415:
      return [['Accept', ACCEPT]];
    default:
      return [];
  }
}

/** Unsupported with what of a list is an option tag (RFC 3261 §20.40): a token. */
function optionTags(list: string): readonly HeaderLine[] {
  const tags = list.split(',').map((tag) => tag.trim());
  const good = tags.filter((tag) => /^[\w.!%*+`'~-]{1,64}$/.test(tag));
  return good.length === 0 ? [] : [['Unsupported', good.join(', ')]];
}

/** The inside of a quoted string (RFC 3261 §25.1), as bytes; what a peer sent cannot end it early. */
function quotable(text: string, most: number): string {
  return bytesOfText(cleanText(text, most).replaceAll(/["\\]/g, '\\$&'));
}

/** A piece of the peer's message as the log repeats it. */
function clip(bytes: string): string {
  return cleanText(textOfBytes(bytes), LIMITS.diagnosticsCharacters);
}
