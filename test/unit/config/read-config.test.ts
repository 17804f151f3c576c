import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONFIG_KEYS, environmentName } from '../../../src/config/config-keys.js';
import { adds, configOf, context, faultsOf, fileOf, read } from './value-context.js';

describe('configuration', () => {
  test('nothing given -> the defaults, frozen', () => {
    const config = configOf({});
    assert.ok(Object.isFrozen(config));
    assert.deepEqual(config, {
      minimumRtpPort: 20_000,
      maximumRtpPort: 29_999,
      listenAddress: undefined,
      advertisedAddress: undefined,
      serverName: 'pbx-7',
      dataDirectory: '/srv/data',
      databaseUrl: undefined,
      umStartupMode: 'Dual',
      sipTcpListeningPort: 5060,
      sipTlsListeningPort: 5061,
      certificateDirectory: '/srv/data/certificates',
      trustDirectory: '/srv/data/trust',
      minimumTlsVersion: '1.2',
      workerRecycleIntervalS: 604_800,
      workerStartTimeoutS: 30,
      workerHangTimeoutS: 30,
      drainTimeoutS: 1_860,
      smtpHost: undefined,
      smtpPort: 25,
      smtpTls: 'none',
      smtpProtocol: 'smtp',
      smtpUser: undefined,
      smtpPasswordFile: undefined,
      mailFrom: 'voicemail@pbx-7',
      mailRetryForHours: 120,
      logLevel: 'info',
      routerProcesses: 1,
      mediaIo: 'auto',
    });
  });

  test('a machine whose name is no host name is made one', () => {
    const reading = read({}, { ...context, hostName: 'Ann’s PC' });
    assert.equal('config' in reading && reading.config.serverName, 'Ann-s-PC');
  });

  test('flag before environment before file before default', () => {
    const file = fileOf(...adds({ DataDirectory: 'files', ListenAddress: '192.0.2.1', LogLevel: 'warn' }));
    const environment = { OPENUM_DATA: '/env', OPENUM_DATA_DIRECTORY: '/weaker', OPENUM_LISTEN_ADDRESS: '192.0.2.2' };
    const flags = { data: 'flag', listen: '192.0.2.3' };
    const three = configOf({ flags, environment, ...file });
    assert.deepEqual([three.dataDirectory, three.listenAddress, three.logLevel], ['/srv/flag', '192.0.2.3', 'warn']);
    const two = configOf({ environment, ...file });
    assert.deepEqual([two.dataDirectory, two.listenAddress], ['/env', '192.0.2.2']);
    const one = configOf(file);
    assert.deepEqual([one.dataDirectory, one.listenAddress], ['/etc/openum/files', '192.0.2.1']);
  });

  test('every key has its environment variable', () => {
    const names = Object.values(CONFIG_KEYS).map(environmentName);
    assert.equal(new Set(names).size, names.length);
    for (const name of [
      'OPENUM_MINIMUM_RTP_PORT',
      'OPENUM_UM_STARTUP_MODE',
      'OPENUM_SIP_TLS_LISTENING_PORT',
      'OPENUM_MEDIA_IO',
    ]) {
      assert.ok(names.includes(name), name);
    }
    assert.equal(configOf({ environment: { OPENUM_MAIL_RETRY_FOR: '24' } }).mailRetryForHours, 24);
  });

  test('an empty value is none given; variables that are no keys are other programs’', () => {
    const environment = { OPENUM_LOG_LEVEL: '', OPENUM_SERVICE_HOST: '10.0.0.1' };
    assert.equal(configOf({ environment, ...fileOf(...adds({ SmtpHost: '' })) }).smtpHost, undefined);
  });

  test('keys and words are taken in any case', () => {
    const config = configOf(fileOf(...adds({ umstartupmode: 'tcp', SMTPHOST: 'mail.example', logLevel: 'DEBUG' })));
    assert.deepEqual([config.umStartupMode, config.smtpHost, config.logLevel], ['TCP', 'mail.example', 'debug']);
  });

  test('0.0.0.0, :: and * as ListenAddress mean all addresses; brackets are taken off', () => {
    for (const listen of ['0.0.0.0', '::', '[::]', '*'])
      assert.equal(configOf({ flags: { listen } }).listenAddress, undefined);
    assert.equal(configOf({ flags: { listen: '[2001:db8::1]' } }).listenAddress, '2001:db8::1');
  });

  test('every fault at once, each with line, key, value and allowed range', () => {
    const file = fileOf(
      '<add key="MinimumRtpPort" value="80"/>',
      '<add key="SmtpPrt" value="25"/>',
      '<add key="LogLevel" value="loud"/>',
      '<add key="loglevel" value="info"/>',
      '<add key="Colour" value="blue"/>',
    );
    assert.deepEqual(faultsOf({ ...file, environment: { OPENUM_SMTP_PORT: '70000' }, flags: { listen: 'eth0' } }), [
      'um.config line 3: there is no key "SmtpPrt"; did you mean SmtpPort?',
      'um.config line 5: LogLevel stands there twice, first on line 4; remove one',
      'um.config line 6: there is no key "Colour"; msexchangeum.config.example has every key',
      '--listen: ListenAddress is "eth0"; allowed: an IPv4 or IPv6 address of this machine',
      'um.config line 2: MinimumRtpPort is "80"; allowed: 1024 to 65534 (UDP port)',
      'OPENUM_SMTP_PORT in the environment: SmtpPort is "70000"; allowed: 1 to 65535 (TCP port)',
      'um.config line 4: LogLevel is "loud"; allowed: debug, info, warn, error',
    ]);
  });

  test('a value of the file is checked even where the environment overrides it', () => {
    const faults = faultsOf({ ...fileOf(...adds({ SmtpPort: 'x' })), environment: { OPENUM_SMTP_PORT: '25' } });
    assert.deepEqual(faults, ['um.config line 2: SmtpPort is "x"; allowed: 1 to 65535 (TCP port)']);
  });

  const refused: Readonly<Record<string, readonly string[]>> = {
    MinimumRtpPort: ['1023', '65535', '-1', '2e4', '20000.5', ' ', '0x5000'],
    ListenAddress: ['localhost', '192.0.2.1:5060', '192.0.2.256', '010.0.0.1'],
    AdvertisedAddress: ['0.0.0.0', '::', 'um.example.com:5060', '1.2.3', 'a b'],
    ServerName: ['um example', '-um', 'x'.repeat(254), '<um>'],
    DatabaseUrl: ['postgres://um@db/um'],
    WorkerHangTimeout: ['2'],
    RouterProcesses: ['0', '2'],
    MinimumTlsVersion: ['1.1'],
    SmtpProtocol: ['esmtp'],
    MailFrom: ['voicemail', 'a@b\u0001', '"x" <a@b> <c@d>', 'a@b, c@d'],
    MailRetryFor: ['0', '120h'],
    MediaIo: ['koffi'],
  };
  for (const [key, values] of Object.entries(refused)) {
    test(`${key} outside its range is refused`, () => {
      for (const value of values) {
        if (value.trim() === '') continue;
        const faults = faultsOf({ environment: { [environmentName({ name: key })]: value } });
        assert.equal(faults.length, 1, `${value}: ${faults.join('\n')}`);
        assert.match(faults[0] ?? '', new RegExp(`${key} is ".*"; allowed: `));
      }
    });
  }

  test('senders with and without words -> the address, which is what a relay takes', () => {
    for (const from of [
      'um@example.com',
      '<um@example.com>',
      'Voice Mail <um@example.com>',
      '"Mail, voice" <um@example.com>',
    ]) {
      assert.equal(configOf({ environment: { OPENUM_MAIL_FROM: from } }).mailFrom, 'um@example.com');
    }
  });

  const together: readonly (readonly [name: string, keys: Readonly<Record<string, string>>, fault: RegExp])[] = [
    [
      'the least RTP port above the last',
      { MinimumRtpPort: '30000', MaximumRtpPort: '29999' },
      /lines? 2.*line 3.*below the maximum/,
    ],
    [
      'an RTP range without an even port and its neighbour',
      { MinimumRtpPort: '30001', MaximumRtpPort: '30002' },
      /an even port and the odd one/,
    ],
    [
      'an RTP minimum above the default maximum',
      { MinimumRtpPort: '30000' },
      /um.config line 2: .*MaximumRtpPort is 29999/,
    ],
    ['one port for TCP and TLS', { SipTcpListeningPort: '5061' }, /both 5061; they must differ/],
    ['a port of UM service', { SipTcpListeningPort: '5062' }, /5062, which belongs to UM service and workers/],
    ['a port of a worker', { SipTlsListeningPort: '5068' }, /5068, which belongs to UM service and workers/],
    ['TLS alone', { UMStartupMode: 'TLS' }, /not implemented yet; allowed: TCP, Dual/],
    ['a user without password', { SmtpUser: 'um' }, /SmtpPasswordFile is missing/],
    ['a password without user', { SmtpPasswordFile: 'pw' }, /"\/etc\/openum\/pw", but SmtpUser is missing/],
    [
      'a password in clear to another machine',
      { SmtpUser: 'um', SmtpPasswordFile: 'pw', SmtpHost: 'mail.example' },
      /in clear to mail.example/,
    ],
  ];
  for (const [name, keys, fault] of together) {
    test(`${name} is refused`, () => {
      const faults = faultsOf(fileOf(...adds(keys)));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', fault);
    });
  }

  test('the smallest RTP range is one pair', () => {
    assert.equal(
      configOf(fileOf(...adds({ MinimumRtpPort: '30000', MaximumRtpPort: '30001' }))).maximumRtpPort,
      30_001,
    );
  });

  test('a password may go in clear within this machine', () => {
    for (const host of ['localhost', '127.0.0.1', '::1']) {
      const keys = adds({ SmtpUser: 'um', SmtpPasswordFile: 'pw', SmtpHost: host });
      assert.equal(configOf(fileOf(...keys)).smtpPasswordFile, '/etc/openum/pw');
    }
  });

  test('what is wrong with the password file stands among the other faults', () => {
    const keys = adds({ SmtpUser: 'um', SmtpPasswordFile: '/pw', LogLevel: 'loud' });
    const faults = faultsOf(fileOf(...keys), { ...context, passwordFileFault: () => 'others may read it' });
    assert.equal(faults.length, 2);
    assert.match(faults.join('\n'), /um.config line 3: SmtpPasswordFile is "\/pw": others may read it/);
  });

  test('threat: a value cannot add a line to the faults that are logged', () => {
    const [fault] = faultsOf({ environment: { OPENUM_LOG_LEVEL: `x\n{"level":"error"}${'y'.repeat(200)}` } });
    assert.match(fault ?? '', /^[^\n]*LogLevel is "x\?\{"level":"error"\}y+\.\.\."; allowed/);
  });

  test('values that were read before stand for the file', () => {
    const values = { MinimumRtpPort: '40000', MaximumRtpPort: '40009', DataDirectory: 'here' };
    const reading = read({ file: { name: 'um.config', directory: '/etc/openum', content: { values } } });
    assert.ok('config' in reading);
    assert.deepEqual([reading.config.minimumRtpPort, reading.config.dataDirectory], [40_000, '/etc/openum/here']);
    assert.deepEqual(reading.values, values);
  });
});
