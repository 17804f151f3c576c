import { LIMITS } from '../base/limits.js';
import { isInteger, isText, oneOf, record, type Shape } from './json-shape.js';
import type { G711Law, MessageFacts } from './message.js';
import type { FinishedAudio } from './spool.js';

/**
 * A spool entry is one file: two slots of text, then audio as it arrived.
 *
 * ```text
 *   0                                         11,776      12,288
 *   +------------------------------------------+-----------+---------------------------------
 *   | begin slot: facts and law                | end slot  | G.711, one byte a sample ...
 *   +------------------------------------------+-----------+---------------------------------
 *     synced before the beep, never touched      blank until the recording ended: one disk
 *     again                                      sector, and told torn by its checksum
 * ```
 *
 * Each slot is `openum-spool 1 CHECKSUM JSON`, filled up with spaces, ending in a line feed. All of it is ASCII: one character is
 * one byte.
 *
 * The name says how far it came: `ID.new` is being begun, `ID.rec` may still grow, `ID.done` is taken.
 */
export const SPOOL_HEADER_BYTES = 12_288;

/** Offset and size of the slot that is written when the recording has ended. */
export const SPOOL_END_SLOT = Object.freeze({ offset: 11_776, bytes: 512 });

const SIGNATURE = 'openum-spool 1';
const SLOT = /^openum-spool 1 ([\da-f]{8}) (.*?) *\n$/s;

/** What the begin slot says. */
export interface SpoolBegin {
  readonly facts: MessageFacts;
  readonly law: G711Law;
}

/** What the end slot says. */
export type SpoolEnd = ({ readonly kind: 'voice' } & FinishedAudio) | { readonly kind: 'missed-call' };

/** Both slots; without an end its worker died, or is still at it. */
export interface SpoolHeader extends SpoolBegin {
  readonly end: SpoolEnd | undefined;
}

const isLaw: Shape<G711Law> = oneOf('PCMU', 'PCMA');
const isId: Shape<string> = (value): value is string => typeof value === 'string' && /^[\da-f]{32}$/.test(value);

const isBegin: Shape<SpoolBegin> = record({
  facts: record({
    id: isId,
    mailbox: isText,
    mailboxAddress: isText,
    callerNumber: isText,
    callerName: isText,
    calledExtension: isText,
    callId: isText,
    startedAtMs: isInteger,
  }),
  law: isLaw,
});

const isMissedCall = record({ kind: oneOf('missed-call') });
const isVoice = record({
  kind: oneOf('voice'),
  audioBytes: isInteger,
  law: isLaw,
  endedBy: oneOf('hang-up', 'key', 'silence', 'max-recording', 'max-call', 'write-failed', 'stopped', 'lost'),
});

/** The whole header of an entry. Texts above their limits are cut, so that it always fits. */
export function formatSpoolHeader(begin: SpoolBegin, end?: SpoolEnd): string {
  const { facts } = begin;
  const number = (text: string): string => text.slice(0, LIMITS.callerNumberCharacters);
  const cut: MessageFacts = {
    id: facts.id,
    mailbox: number(facts.mailbox),
    mailboxAddress: facts.mailboxAddress.slice(0, LIMITS.callerNameCharacters),
    callerNumber: number(facts.callerNumber),
    callerName: facts.callerName.slice(0, LIMITS.callerNameCharacters),
    calledExtension: number(facts.calledExtension),
    callId: facts.callId.slice(0, LIMITS.callIdCharacters),
    startedAtMs: facts.startedAtMs,
  };
  const slot = formatSlot({ facts: cut, law: begin.law }, SPOOL_END_SLOT.offset);
  return slot + (end ? formatSpoolEnd(end) : blank(SPOOL_END_SLOT.bytes));
}

/** The end slot alone. */
export function formatSpoolEnd(end: SpoolEnd): string {
  return formatSlot(end, SPOOL_END_SLOT.bytes);
}

/**
 * Reads the first {@link SPOOL_HEADER_BYTES} of a file, as a latin1 string.
 *
 * @returns undefined when the begin slot is none of ours; an end slot that is torn is no end
 */
export function parseSpoolHeader(text: string): SpoolHeader | undefined {
  if (text.length < SPOOL_HEADER_BYTES) return undefined;
  const begin = parseSlot(text.slice(0, SPOOL_END_SLOT.offset));
  if (!isBegin(begin)) return undefined;
  const end = parseSlot(text.slice(SPOOL_END_SLOT.offset, SPOOL_HEADER_BYTES));
  const isEnd = isVoice(end) || isMissedCall(end);
  return { facts: begin.facts, law: begin.law, end: isEnd ? end : undefined };
}

/** What an entry becomes in the mailbox. */
export type SpoolConclusion =
  | { readonly kind: 'voice'; readonly audioBytes: number; readonly law: G711Law; readonly partial: boolean }
  | { readonly kind: 'missed-call' };

/**
 * What to make of an entry that nobody writes to any more.
 *
 * @param audioBytes - bytes that the file has after its header
 * @param shortestBytes - a recording whose end was never written is a missed call below this
 */
export function concludeSpoolEntry(header: SpoolHeader, audioBytes: number, shortestBytes: number): SpoolConclusion {
  const { end } = header;
  if (end?.kind === 'missed-call') return { kind: 'missed-call' };
  if (end) {
    // Less than was promised: the machine lost power between the end slot and the sync of the audio.
    const whole = Math.min(end.audioBytes, audioBytes);
    return {
      kind: 'voice',
      audioBytes: whole,
      law: end.law,
      partial: end.endedBy === 'lost' || whole < end.audioBytes,
    };
  }
  if (audioBytes < shortestBytes) return { kind: 'missed-call' };
  return { kind: 'voice', audioBytes, law: header.law, partial: true };
}

function formatSlot(content: SpoolBegin | SpoolEnd, bytes: number): string {
  // Everything outside printable ASCII is escaped: one character is one byte on disk, and no line feed but the last.
  const json = JSON.stringify(content).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${SIGNATURE} ${checksum(json)} ${json}`.padEnd(bytes - 1) + '\n';
}

function blank(bytes: number): string {
  return ' '.repeat(bytes - 1) + '\n';
}

function parseSlot(slot: string): unknown {
  const [, sum, json] = SLOT.exec(slot) ?? [];
  if (sum === undefined || json === undefined || checksum(json) !== sum) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** FNV-1a, 32 bit: tells a torn slot, not a forged one. */
function checksum(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return sum.toString(16).padStart(8, '0');
}
