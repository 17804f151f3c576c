/** A piece of what is said: a shipped recording by name, a tone, a WAV file of a mailbox's owner, or mu-law audio in memory. */
export type Clip =
  | { readonly kind: 'prompt'; readonly name: PromptName }
  | { readonly kind: 'beep' }
  | { readonly kind: 'file'; readonly path: string }
  /** Mu-law, 8 kHz; sent byte by byte as it is when the stream is PCMU. */
  | { readonly kind: 'audio'; readonly muLaw: Uint8Array };

/** Every shipped recording: `config/prompts/LANGUAGE/NAME.wav`. */
export const PROMPT_NAMES = ['greeting', 'cannot-take', 'goodbye', 'test-call'] as const;

export type PromptName = (typeof PROMPT_NAMES)[number];
