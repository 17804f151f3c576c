/** Compile-time exhaustiveness check; throws if a caller lied to the type system. */
export function assertNever(value: never, what: string): never {
  throw new Error(`unexpected ${what}: ${String(value)}`);
}

/** States what the surrounding code relies on; a failure is a bug of ours, never an input's fault. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${what}`);
}
