/** The code of an operating system's or a database's error, `ENOENT` for instance; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether an error has this code. */
export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}
