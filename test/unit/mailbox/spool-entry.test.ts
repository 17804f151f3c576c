import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../src/base/limits.js';
import {
  concludeSpoolEntry,
  formatSpoolEnd,
  formatSpoolHeader,
  parseSpoolHeader,
  SPOOL_END_SLOT,
  SPOOL_HEADER_BYTES,
  type SpoolEnd,
} from '../../../src/mailbox/spool-entry.js';
import { factsOf, idOf } from '../../support/mailbox-facts.js';

const facts = factsOf(idOf('1f'));
const begun = formatSpoolHeader({ facts, law: 'PCMA' });
const hangUp: SpoolEnd = { kind: 'voice', audioBytes: 16_000, endedBy: 'hang-up', law: 'PCMU' };

const withEnd = (slot: string): string => begun.slice(0, SPOOL_END_SLOT.offset) + slot;

describe('a spool header', () => {
  test('comes back as it was written, without an end and with each', () => {
    assert.deepEqual(parseSpoolHeader(begun), { facts, law: 'PCMA', end: undefined });
    assert.deepEqual(parseSpoolHeader(withEnd(formatSpoolEnd(hangUp)))?.end, hangUp);
    const missed = formatSpoolHeader({ facts, law: 'PCMU' }, { kind: 'missed-call' });
    assert.deepEqual(parseSpoolHeader(missed)?.end, { kind: 'missed-call' });
  });

  test('has its size and is printable ASCII, whatever the facts are', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 2_000 });
    fc.assert(
      fc.property(anyText, anyText, anyText, anyText, (callerName, callerNumber, callId, mailboxAddress) => {
        const odd = { ...facts, callerName, callerNumber, callId, mailboxAddress, calledExtension: callerNumber };
        const header = formatSpoolHeader({ facts: odd, law: 'PCMU' });
        assert.equal(header.length, SPOOL_HEADER_BYTES);
        assert.match(header, /^[\x20-\x7e]*\n[\x20-\x7e]*\n$/);
        const parsed = parseSpoolHeader(header);
        assert.equal(parsed?.facts.callerName, callerName.slice(0, LIMITS.callerNameCharacters));
        assert.equal(parsed.facts.callId, callId.slice(0, LIMITS.callIdCharacters));
      }),
    );
  });

  test('facts at their limits in the widest characters fit (callerNameCharacters, callerNumberCharacters, callIdCharacters)', () => {
    const wide = (characters: number): string => '\uffff'.repeat(characters + 10);
    const header = formatSpoolHeader({
      facts: {
        ...facts,
        mailbox: wide(LIMITS.callerNumberCharacters),
        mailboxAddress: wide(LIMITS.callerNameCharacters),
        callerNumber: wide(LIMITS.callerNumberCharacters),
        callerName: wide(LIMITS.callerNameCharacters),
        calledExtension: wide(LIMITS.callerNumberCharacters),
        callId: wide(LIMITS.callIdCharacters),
      },
      law: 'PCMU',
    });
    assert.equal(header.length, SPOOL_HEADER_BYTES);
    assert.equal(parseSpoolHeader(header)?.facts.callerName.length, LIMITS.callerNameCharacters);
  });

  test('an end slot that is torn anywhere is no end; the facts stay', () => {
    const slot = formatSpoolEnd(hangUp);
    const blank = begun.slice(SPOOL_END_SLOT.offset);
    const json = slot.trimEnd().length;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: json - 1 }), fc.boolean(), (at, isHeadNew) => {
        const torn = isHeadNew ? slot.slice(0, at) + blank.slice(at) : blank.slice(0, at) + slot.slice(at);
        assert.deepEqual(parseSpoolHeader(withEnd(torn)), { facts, law: 'PCMA', end: undefined });
      }),
    );
  });

  test('a begin slot with one character changed is no entry', () => {
    const used = begun.indexOf('}}') + 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: used }), fc.integer({ min: 33, max: 126 }), (at, code) => {
        fc.pre(begun.charCodeAt(at) !== code);
        const broken = begun.slice(0, at) + String.fromCharCode(code) + begun.slice(at + 1);
        assert.equal(parseSpoolHeader(broken), undefined);
      }),
    );
  });

  test('any bytes at all are an entry or none, never a throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 300 }), (text) => {
        assert.equal(parseSpoolHeader(text.padEnd(SPOOL_HEADER_BYTES, text || ' ')), undefined);
      }),
    );
    assert.equal(parseSpoolHeader(begun.slice(0, -1)), undefined);
  });
});

describe('an entry that nobody writes to any more', () => {
  const header = { facts, law: 'PCMA', end: undefined } as const;

  test('ended: its audio up to the end that was written', () => {
    assert.deepEqual(concludeSpoolEntry({ ...header, end: hangUp }, 20_000, 8_000), {
      kind: 'voice',
      audioBytes: 16_000,
      law: 'PCMU',
      partial: false,
    });
  });

  test('ended, and short: a message all the same, for its worker has judged it', () => {
    const end = { ...hangUp, audioBytes: 80 };
    assert.equal(concludeSpoolEntry({ ...header, end }, 80, 8_000).kind, 'voice');
  });

  test('ended, but less audio than promised: partial', () => {
    assert.deepEqual(concludeSpoolEntry({ ...header, end: hangUp }, 9_000, 8_000), {
      kind: 'voice',
      audioBytes: 9_000,
      law: 'PCMU',
      partial: true,
    });
  });

  test('never ended: all there is, partial; under the shortest message a missed call', () => {
    assert.deepEqual(concludeSpoolEntry(header, 8_000, 8_000), {
      kind: 'voice',
      audioBytes: 8_000,
      law: 'PCMA',
      partial: true,
    });
    assert.deepEqual(concludeSpoolEntry(header, 7_999, 8_000), { kind: 'missed-call' });
  });

  test('dropped: a missed call, whatever audio is left behind it', () => {
    assert.deepEqual(concludeSpoolEntry({ ...header, end: { kind: 'missed-call' } }, 90_000, 8_000), {
      kind: 'missed-call',
    });
  });
});
