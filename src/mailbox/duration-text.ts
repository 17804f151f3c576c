/** A duration of speech as whole seconds, rounded to the nearest: what mail shows and `X-VoiceMessageDuration` carries. */
export function wholeSeconds(durationMs: number): number {
  return Math.max(0, Math.round(durationMs / 1_000));
}

/** A duration in words, as Exchange UM writes it: `22 seconds`, `1 minute 5 seconds`, `1 hour 2 minutes`. */
export function durationText(durationMs: number): string {
  const total = wholeSeconds(durationMs);
  const parts = [
    counted(Math.floor(total / 3_600), 'hour'),
    counted(Math.floor(total / 60) % 60, 'minute'),
    counted(total % 60, 'second'),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}

function counted(count: number, unit: string): string | undefined {
  if (count === 0) return undefined;
  return `${String(count)} ${unit}${count === 1 ? '' : 's'}`;
}
