/** Version of this program, as in package.json; told in `Server`, `status` and the database. */
export const VERSION = '0.1.0';

/** Value of the `Server` and `User-Agent` headers. */
export const PRODUCT = `OpenUM/${VERSION}`;
