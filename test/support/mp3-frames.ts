/** What the headers of an MP3 stream say, read frame by frame. */
export interface Mp3Facts {
  readonly frames: number;
  readonly rate: number;
  readonly bitRate: number;
  readonly channels: number;
  readonly seconds: number;
}

/** Bit rates of MPEG 2 and 2.5 layer III, kbit/s. */
const BIT_RATES: readonly number[] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/** Rates of MPEG 2.5. */
const RATES: readonly number[] = [11_025, 12_000, 8_000];

/** Walks over MPEG 2.5 layer III frames of one constant format; throws where a frame does not follow the one before. */
export function mp3Facts(mp3: Uint8Array): Mp3Facts {
  let frames = 0;
  let facts = { rate: 0, bitRate: 0, channels: 0 };
  for (let at = 0; at < mp3.length; frames += 1) {
    const [a = 0, b = 0, c = 0, d = 0] = mp3.subarray(at, at + 4);
    if (a !== 0xff || (b & 0xfe) !== 0xe2) throw new Error(`no MPEG 2.5 layer III frame at byte ${String(at)}`);
    facts = {
      rate: RATES[(c >> 2) & 3] ?? 0,
      bitRate: (BIT_RATES[c >> 4] ?? 0) * 1_000,
      channels: d >> 6 === 3 ? 1 : 2,
    };
    at += Math.floor((72 * facts.bitRate) / facts.rate) + ((c >> 1) & 1);
  }
  return { ...facts, frames, seconds: (frames * 576) / facts.rate };
}
