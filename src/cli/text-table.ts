/**
 * Lays out rows for people: columns as wide as their widest cell, two spaces between them, no trailing spaces.
 * Control characters of a cell (a caller's name is the caller's choice) are shown as `?`, so that they cannot steer a terminal.
 */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `1 call`, `2 calls`. */
export function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A text without the characters that would steer a terminal (C0, DEL, C1). */
export function printable(text: string): string {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 32 || (code >= 127 && code < 160) ? '?' : character;
  }).join('');
}

/** A text as a shell reads it as one word. */
export function shellWord(text: string): string {
  return /^[\w/.+@-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
