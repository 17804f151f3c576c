import { posix } from 'node:path';
import type { ValueContext } from '../../../src/config/config-values.js';
import { type ConfigReading, type ConfigSources, readConfig } from '../../../src/config/read-config.js';
import type { UmConfig } from '../../../src/config/um-config.js';

/** A machine called `pbx-7`, working in /srv. */
export const context: ValueContext = {
  hostName: 'pbx-7',
  workingDirectory: '/srv',
  resolvePath: (base, path) => posix.resolve(base, path),
  passwordFileFault: () => undefined,
};

/** A file at /etc/openum/um.config with these elements between `<configuration>` tags, one a line from line 2 on. */
export function fileOf(...elements: readonly string[]): Pick<ConfigSources, 'file'> {
  const text = ['<configuration>', ...elements, '</configuration>'].join('\n');
  return { file: { name: 'um.config', directory: '/etc/openum', content: { text } } };
}

/** The elements that set these keys. */
export function adds(keys: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(keys).map(([key, value]) => `<add key="${key}" value="${value}"/>`);
}

export function read(sources: Partial<ConfigSources>, within: ValueContext = context): ConfigReading {
  return readConfig({ flags: {}, environment: {}, ...sources }, within);
}

/** The configuration; throws when there are faults. */
export function configOf(sources: Partial<ConfigSources>): UmConfig {
  const reading = read(sources);
  if ('faults' in reading) throw new Error(reading.faults.join('\n'));
  return reading.config;
}

export function faultsOf(sources: Partial<ConfigSources>, within: ValueContext = context): readonly string[] {
  const reading = read(sources, within);
  return 'faults' in reading ? reading.faults : [];
}
