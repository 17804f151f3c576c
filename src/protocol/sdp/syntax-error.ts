/** A text is no session description; the message says which line breaks what rule. */
export class SdpSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SdpSyntaxError';
  }
}
