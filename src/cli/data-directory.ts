import { resolve } from 'node:path';
import { UmError } from '../base/errors.js';
import { loadConfig, type StartOptions } from '../platform/config/config-file.js';
import type { SharedArguments } from './command-context.js';

/** The flags as the processes of the daemon take them. */
export function startOptions(shared: SharedArguments, listen?: string): StartOptions {
  return {
    ...(shared.data === undefined ? {} : { data: resolve(shared.data) }),
    ...(shared.config === undefined ? {} : { configFile: resolve(shared.config) }),
    ...(listen === undefined ? {} : { listen }),
  };
}

/**
 * The data directory that a command is about. A configuration file that is faulty just now does not stand in the way when the
 * directory was named: `stop` and `status` must work in that very moment.
 *
 * @throws UmError 'config-faulty'
 */
export function dataDirectoryOf(shared: SharedArguments, environment: NodeJS.ProcessEnv): string {
  const named = shared.data ?? environment['OPENUM_DATA'];
  try {
    return loadConfig(startOptions(shared), environment).config.dataDirectory;
  } catch (error) {
    if (named !== undefined && error instanceof UmError && error.code === 'config-faulty') return resolve(named);
    throw error;
  }
}
