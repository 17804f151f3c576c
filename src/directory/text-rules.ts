import { isLookupName } from '../base/host-name.js';
import { parseIpBlock } from '../base/ip-address.js';
import type { TextRule } from './document-fields.js';
import { comparablePilot } from './number.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Names of objects, as long as Exchange's. */
export const objectName: TextRule = {
  words: '1 to 64 characters, none of them a control character, no blank at either end',
  holds: (text) => text.length >= 1 && text.length <= 64 && !CONTROL.test(text) && text.trim() === text,
};

export const personName: TextRule = {
  words: '1 to 256 characters, none of them a control character',
  holds: (text) => text.length >= 1 && text.length <= 256 && !CONTROL.test(text),
};

/** Text for the body of a mail; lines are allowed there. */
export const bodyText: TextRule = {
  words: 'at most 512 characters',
  holds: (text) => text.length <= 512 && !CONTROL.test(text.replaceAll(/[\r\n\t]/g, '')),
};

/** Safe in SMTP commands, header fields and URIs: RFC 5321 §4.1.2 without quoted local parts and address literals. */
export const mailAddress: TextRule = {
  words: 'an e-mail address, such as name@example.com',
  holds: (text) =>
    text.length <= 254 &&
    !CONTROL.test(text) &&
    /^[^\s@<>"(),:;[\]\\]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?$/u.test(text) &&
    !text.includes('..'),
};

/** A gateway's address or name; a name that looks like an address is refused. */
export const gatewayAddress: TextRule = {
  words:
    'an IP address, a CIDR block or a host name of at most 253 characters, such as 192.0.2.5, 192.0.2.0/24 or pbx.example.com',
  holds: (text) => isLookupName(text) || (text.length <= 64 && !text.includes('%') && parseIpBlock(text) !== undefined),
};

/** What a gateway can dial; 32 characters, as Exchange's access numbers. */
export const dialledNumber: TextRule = {
  words: 'a number or SIP name of 1 to 32 characters',
  holds: (text) => text.length <= 32 && isDiallable(text),
};

export const pilotNumber: TextRule = {
  words: 'a number or SIP name of at most 128 characters, or "" for every number',
  holds: (text) => text === '' || (text.length <= 128 && isDiallable(text)),
};

export const filePath: TextRule = {
  words: 'a path of 1 to 1024 characters',
  holds: (text) => text.length >= 1 && text.length <= 1024 && !CONTROL.test(text),
};

export const languageTag: TextRule = {
  words: 'a language such as en-US',
  holds: (text) => /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(text) && text.length <= 35,
};

/** Kept to the form of the dial plan by `extensionFault` once that is known. */
export const extensionText: TextRule = {
  words: 'an extension: a text of 1 to 128 characters, such as "1000"',
  holds: (text) => text.length >= 1 && text.length <= 128 && !CONTROL.test(text) && text.trim() === text,
};

function isDiallable(text: string): boolean {
  return !/[\s<>"]/.test(text.replaceAll(' ', '')) && !CONTROL.test(text) && comparablePilot(text) !== '';
}
