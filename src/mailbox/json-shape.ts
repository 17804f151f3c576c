/** Whether a value that came from outside is a T. */
export type Shape<T> = (value: unknown) => value is T;

/** The type that a shape lets through. */
export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

export const isText: Shape<string> = (value) => typeof value === 'string';
export const isFlag: Shape<boolean> = (value) => typeof value === 'boolean';

/** An integer that JSON keeps exactly. */
export const isInteger: Shape<number> = (value): value is number => Number.isSafeInteger(value);

/** One of the literals given. */
export function oneOf<const T extends string | number>(...literals: readonly T[]): Shape<T> {
  return (value): value is T => literals.some((literal) => literal === value);
}

/** T or null. */
export function nullOr<T>(shape: Shape<T>): Shape<T | null> {
  return (value): value is T | null => value === null || shape(value);
}

/** An array with every element a T. */
export function listOf<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every((element) => shape(element));
}

type Members = Readonly<Record<string, Shape<unknown>>>;
type Required<M extends Members> = { readonly [K in keyof M]: ShapeOf<M[K]> };
type Optional<M extends Members> = { readonly [K in keyof M]?: ShapeOf<M[K]> };

/** An object with these members; further ones are passed over. */
export function record<M extends Members>(members: M): Shape<Required<M>> {
  return (value): value is Required<M> => hasMembers(value, members, false);
}

/** An object that has some of these members, or none; further ones are passed over. */
export function partialRecord<M extends Members>(members: M): Shape<Optional<M>> {
  return (value): value is Optional<M> => hasMembers(value, members, true);
}

/** Both at once. */
export function both<A, B>(one: Shape<A>, other: Shape<B>): Shape<A & B> {
  return (value): value is A & B => one(value) && other(value);
}

function hasMembers(value: unknown, members: Members, mayLack: boolean): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const given = new Map<string, unknown>(Object.entries(value));
  return Object.entries(members).every(([name, shape]) => (mayLack && !given.has(name)) || shape(given.get(name)));
}
