import { runProgram } from './program.js';
import { standardStreams } from './standard-streams.js';

process.exitCode = await runProgram(process.argv.slice(2), standardStreams(), process.env);
