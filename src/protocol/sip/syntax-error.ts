/** What a peer sent breaks the grammar; the message is one clause, no full stop, that says what was found. */
export class SipSyntaxError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'SipSyntaxError';
  }
}
