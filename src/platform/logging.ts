import { destination, type Logger as PinoLogger, pino } from 'pino';
import { LIMITS } from '../base/limits.js';
import type { Logger } from '../base/logger.js';
import type { UmConfig } from '../config/um-config.js';
import { type LogOutput, LogPipe } from './log-pipe.js';

/** A logger of one process. */
export interface ProcessLogger extends Logger {
  setLevel(level: UmConfig['logLevel']): void;
  /** Writes what waits, at once; called before the process ends. */
  flush(): void;
}

/** A daemon's log is its standard output; a command's is standard error, for its output is facts and nothing else. */
const DESCRIPTORS = { daemon: 1, command: 2 } as const;

/** JSON lines, each with the name of the process that wrote it. */
export function createLogger(
  process: string,
  level: UmConfig['logLevel'],
  of: keyof typeof DESCRIPTORS = 'daemon',
): ProcessLogger {
  const descriptor = DESCRIPTORS[of];
  const out = LogPipe.on(descriptor) ?? fileOutput(descriptor);
  const root = pino(
    {
      level,
      base: { process, pid: globalThis.process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  );
  return {
    ...wrap(root),
    setLevel: (next) => {
      root.level = next;
    },
    flush: () => {
      out.flush();
    },
  };
}

/** A file, or the journal's socket. */
function fileOutput(descriptor: number): LogOutput {
  const out = destination({ dest: descriptor, sync: false, maxLength: LIMITS.logWaitingBytes });
  // A reader that went away (EPIPE) is no reason to end calls.
  out.on('error', () => undefined);
  return {
    write: (line) => {
      out.write(line);
    },
    flush: () => {
      try {
        out.flushSync();
      } catch {
        // Not yet open, or the reader is gone: nothing can be said any more.
      }
    },
  };
}

function wrap(log: PinoLogger): Logger {
  return {
    debug: (facts, sentence) => {
      log.debug(facts, sentence);
    },
    info: (facts, sentence) => {
      log.info(facts, sentence);
    },
    warn: (facts, sentence) => {
      log.warn(facts, sentence);
    },
    error: (facts, sentence) => {
      log.error(facts, sentence);
    },
    child: (facts) => wrap(log.child(facts)),
  };
}
