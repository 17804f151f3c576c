import { ERRORS, type UmError } from '../base/errors.js';

/** Everything that stands in the way of a start, for a person: each fault with its facts, its code and the way out. */
export function describeFaults(faults: readonly UmError[]): string {
  const paragraphs = faults.map(({ code, detail }) => {
    const { summary, advice } = ERRORS[code];
    return [`${summary} [${code}]`, ...detail.split('\n').map((line) => `  ${line}`), `  -> ${advice}`];
  });
  return ['openum cannot start:', ...paragraphs.flat().map((line) => `  ${line}`), ''].join('\n');
}
