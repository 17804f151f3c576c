/** The name most like `wanted`, if one is like it at all: a slip of a few letters, or another case. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const most = Math.max(2, Math.floor(wanted.length / 4));
  const ranked = names
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase(), most) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= most ? best.name : undefined;
}

/** Letters to insert, drop or change to make one text of the other; anything above `most` when there are more. */
function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(from).entries()) {
    const line = [row + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const changed = (above[column] ?? 0) + (letter === other ? 0 : 1);
      line.push(Math.min(changed, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1));
    }
    above = line;
  }
  return above[to.length] ?? most + 1;
}
