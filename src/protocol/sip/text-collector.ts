/** Pieces kept apart before they are joined: a peer that sends byte by byte must not cost a piece of memory a byte. */
const MOST_PIECES = 1_024;

/** Text that arrives in pieces; joined when it is taken, so that adding is cheap however long the text has become. */
export class TextCollector {
  #pieces: string[] = [];

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  add(piece: string): void {
    if (piece === '') return;
    this.#pieces.push(piece);
    if (this.#pieces.length === MOST_PIECES) this.#pieces = [this.#pieces.join('')];
  }

  /** What was added, and `last` behind it; the collector is empty afterwards. */
  takeWith(last: string): string {
    if (this.isEmpty) return last;
    this.#pieces.push(last);
    const text = this.#pieces.join('');
    this.#pieces = [];
    return text;
  }
}
