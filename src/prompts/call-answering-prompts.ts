import type { Clip } from './clip.js';

/** The mailbox owner's own greeting, else the shipped one, which names nobody. */
export function greeting(ownFile: string | undefined): readonly Clip[] {
  return [ownFile === undefined ? { kind: 'prompt', name: 'greeting' } : { kind: 'file', path: ownFile }];
}

/** The tone after which the caller speaks. */
export function beep(): readonly Clip[] {
  return [{ kind: 'beep' }];
}

/** That no message can be taken now. */
export function cannotTake(): readonly Clip[] {
  return [{ kind: 'prompt', name: 'cannot-take' }];
}

/** Thanks, and the end. */
export function goodbye(): readonly Clip[] {
  return [{ kind: 'prompt', name: 'goodbye' }];
}
