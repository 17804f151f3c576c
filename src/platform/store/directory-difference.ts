import type { DirectoryDelta, DirectoryObject } from '../../directory/objects.js';
import type { DirectoryRow } from './sql-schema.js';

/** The one JSON text of an object: keys in order, so that equal objects have equal texts. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** What leads from the rows there are to `objects`. */
export function directoryDifference(
  rows: readonly DirectoryRow[],
  objects: readonly DirectoryObject[],
): Pick<DirectoryDelta, 'put' | 'removed'> {
  const before = new Map(rows.map((row) => [row.id, row.document]));
  const after = new Set(objects.map((object) => object.id));
  return {
    put: objects.filter((object) => before.get(object.id) !== canonicalText(object)),
    removed: rows.map((row) => row.id).filter((id) => !after.has(id)),
  };
}
