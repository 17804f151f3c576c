import { type ErrorCode, ERRORS } from '../base/errors.js';
import { hostPortText } from '../protocol/sip/flow.js';
import type { TestCallHop } from './test-caller.js';

/** One hop of a test call as a line for a person; a refusal of ours has a second one that says what to do. */
export function describeHop(hop: TestCallHop): string {
  switch (hop.kind) {
    case 'redirected':
      return `  ${hostPortText(hop.by)} answers ${String(hop.status)} Moved Temporarily -> ${hop.contact ?? 'nowhere'}`;
    case 'answered':
      return `  ${hostPortText(hop.by)} answers ${String(hop.status)} OK`;
    case 'refused':
      return `  ${hostPortText(hop.by)} refuses with ${String(hop.status)}: ${hop.detail ?? 'no reason given'}${remedy(hop.code)}`;
    case 'greeting-heard':
      return `  greeting and beep heard after ${hop.seconds.toFixed(1)} s`;
    case 'speaking':
      return `  speaking for ${hop.seconds.toFixed(1)} s`;
    case 'hung-up':
      return `  hung up after ${hop.seconds.toFixed(1)} s of speech`;
    case 'ended-by-server':
      return `  the server ended the call after ${hop.seconds.toFixed(1)} s of speech`;
  }
}

function remedy(code: ErrorCode | undefined): string {
  return code === undefined ? '' : ` [${code}]\n  What to do: ${ERRORS[code].advice}`;
}
