import { benchMedia } from './media-bench.js';
import { benchRedirects } from './redirect-bench.js';

// `npm run bench [-- --rounds N --calls N]`: each benchmark with its baseline in the same run; believe the ratios.
function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1] ?? otherwise);
}

const rounds = option('rounds', 3);
const calls = option('calls', 100);
await benchRedirects(rounds);
await benchMedia('recording', calls, rounds);
await benchMedia('playing', calls, rounds);
process.exit();
