/** Randomness as an argument: the platform's is cryptographic, a test's is a seed. */
export interface Random {
  /** An integer from 0 to `below` - 1, each equally likely. */
  integer(below: number): number;
  /** Lower-case hexadecimal digits from `bytes` random bytes. */
  hex(bytes: number): string;
}
