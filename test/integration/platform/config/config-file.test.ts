import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { loadConfig, type StartOptions } from '../../../../src/platform/config/config-file.js';

const start = process.cwd();
let directory = '';

function write(name: string, ...adds: readonly string[]): string {
  const file = join(directory, name);
  writeFileSync(file, `<configuration>\n${adds.join('\n')}\n</configuration>\n`);
  return file;
}

function faultsOf(options: StartOptions): string {
  try {
    loadConfig(options, {});
  } catch (fault) {
    assert.ok(fault instanceof UmError);
    assert.equal(fault.code, 'config-faulty');
    return fault.detail;
  }
  return '';
}

describe('loadConfig', () => {
  before(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'openum-config-')));
    process.chdir(directory);
  });
  beforeEach(() => {
    for (const name of ['msexchangeum.config', 'other.config', 'password'])
      rmSync(join(directory, name), { force: true, recursive: true });
  });
  after(() => {
    process.chdir(start);
    rmSync(directory, { recursive: true });
  });

  test('no file -> defaults, and no file is named', () => {
    const { config, file, values } = loadConfig({}, {});
    assert.deepEqual([file, values, config.dataDirectory], [undefined, {}, join(directory, 'data')]);
  });

  test('./msexchangeum.config is read when it is there', () => {
    const file = write('msexchangeum.config', '<add key="logLevel" value="warn"/>');
    const loaded = loadConfig({}, {});
    assert.deepEqual([loaded.file, loaded.values, loaded.config.logLevel], [file, { LogLevel: 'warn' }, 'warn']);
  });

  test('a file that is named is read instead, and its absence is a fault', () => {
    write('msexchangeum.config', '<add key="LogLevel" value="warn"/>');
    write('other.config', '<add key="LogLevel" value="debug"/>');
    assert.equal(loadConfig({ configFile: 'other.config' }, {}).config.logLevel, 'debug');
    assert.match(
      faultsOf({ configFile: 'absent.config' }),
      /absent\.config: cannot be read: ENOENT: no such file or directory$/,
    );
  });

  test('paths of the file begin at its directory, those of flags at the working directory', () => {
    mkdirSync(join(directory, 'etc'), { recursive: true });
    const file = write('etc/um.config', '<add key="DataDirectory" value="../var"/>');
    assert.equal(loadConfig({ configFile: file }, {}).config.dataDirectory, join(directory, 'var'));
    assert.equal(loadConfig({ configFile: file, data: 'flag' }, {}).config.dataDirectory, join(directory, 'flag'));
  });

  test('all faults at once, one line each', () => {
    write(
      'msexchangeum.config',
      '<add key="LogLevel" value="loud"/>',
      '<add key="SmtpPort" value="0"/>',
      '<add key="X" value=""/>',
    );
    assert.equal(faultsOf({}).split('\n').length, 3);
  });

  test('a directory, text that is not UTF-8 and a file over configBytes are faults', () => {
    mkdirSync(join(directory, 'msexchangeum.config'));
    assert.match(faultsOf({}), /: not a file$/);
    const file = join(directory, 'other.config');
    writeFileSync(file, Buffer.from('\uFEFF<configuration/>', 'utf16le'));
    assert.match(faultsOf({ configFile: file }), /: not UTF-8 text; save it as UTF-8$/);
    writeFileSync(file, Buffer.alloc(LIMITS.configBytes + 1, ' '));
    assert.match(faultsOf({ configFile: file }), new RegExp(`: larger than ${String(LIMITS.configBytes)} bytes`));
  });

  test('threat: a password file that others may read is refused, among the other faults', () => {
    writeFileSync(join(directory, 'password'), 'secret\n');
    const adds = ['<add key="SmtpUser" value="um"/>', '<add key="SmtpPasswordFile" value="password"/>'];
    write('msexchangeum.config', ...adds);
    chmodSync(join(directory, 'password'), 0o644);
    assert.match(
      faultsOf({}),
      /config line 3: SmtpPasswordFile is ".*password": others may read or write it \(mode 0644\)/,
    );
    write('msexchangeum.config', ...adds, '<add key="LogLevel" value="loud"/>');
    assert.equal(faultsOf({}).split('\n').length, 2);
    for (const mode of [0o600, 0o640]) {
      write('msexchangeum.config', ...adds);
      chmodSync(join(directory, 'password'), mode);
      assert.equal(faultsOf({}), '');
    }
  });

  test('a password file that is missing or empty is refused', () => {
    write('msexchangeum.config', '<add key="SmtpUser" value="um"/>', '<add key="SmtpPasswordFile" value="password"/>');
    assert.match(faultsOf({}), /cannot be read: ENOENT/);
    writeFileSync(join(directory, 'password'), '', { mode: 0o600 });
    assert.match(faultsOf({}), /empty; its first line must be the password/);
  });

  test('a child reads what it inherits, whatever the file says by then', () => {
    const file = write('msexchangeum.config', '<add key="LogLevel" value="loud"/>');
    const inherited = { LogLevel: 'warn', DataDirectory: 'here' };
    const loaded = loadConfig({ configFile: file, inherited }, {});
    assert.deepEqual([loaded.file, loaded.config.logLevel], [file, 'warn']);
    assert.equal(loaded.config.dataDirectory, join(directory, 'here'));
    assert.equal(loadConfig({ inherited: {} }, {}).file, undefined, 'a parent without file has a child without one');
  });

  test('a link is followed', () => {
    const file = write('other.config', '<add key="LogLevel" value="error"/>');
    symlinkSync(file, join(directory, 'msexchangeum.config'));
    assert.equal(loadConfig({}, {}).config.logLevel, 'error');
  });
});
