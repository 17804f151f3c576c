// Runs what its arguments name (`checks` and folders below test/), counts every check and every test, and ends with the line
// `N passed, N failed`. A test file that ran no test is a failure: `node --test` would pass over it in silence.
//
// What follows `--beside` runs at the same time, at the lowest priority: end-to-end tests wait on telephone calls most of the
// time, and what only computes fills the gaps.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism, constants, setPriority } from 'node:os';
import { relative, resolve, sep } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileBelow } from './ts-loader.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const registration = './test/support/register-ts.mjs';
const checks = [
  ['types', 'tsc', ['--noEmit']],
  ['types of the sans-I/O protocols', 'tsc', ['-p', 'src/protocol/tsconfig.json', '--noEmit']],
  ['lint', 'eslint', ['--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint/', 'src', 'test']],
  ['layers', 'depcruise', ['src']],
  ['unused code', 'knip', ['--no-progress']],
  ['formatting', 'prettier', ['--check', '--log-level', 'warn', '.']],
];

/** Peers of these bind ports of their own, load the machine or fill its disk: one at a time. */
const SERIAL = ['interop'];

/** A test file that takes longer waits on something that does not come. */
const FILE_TIMEOUT_MS = 240_000;

let passed = 0;
let failed = 0;

function report(ok, name, detail) {
  if (ok) passed += 1;
  else failed += 1;
  if (!ok) process.stdout.write(`FAILED  ${name}\n${detail.replaceAll(/^/gm, '        ')}\n`);
}

function runCheck([name, program, args]) {
  return new Promise((done) => {
    const child = spawn(resolve(top, 'node_modules/.bin', program), args, { cwd: top });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', (fault) => (output += fault.message));
    child.on('close', (status) => {
      report(status === 0, name, output.trimEnd());
      if (status === 0) process.stdout.write(`passed  ${name}\n`);
      done();
    });
  });
}

async function runChecks() {
  const waiting = [...checks];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await runCheck(next);
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
}

function testFilesOf(folder) {
  return readdirSync(resolve(top, 'test', folder), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => resolve(top, 'test', folder, name))
    .sort();
}

/** Where a test stands: its own name behind those of the suites around it. */
function describeFault(data) {
  const fault = data.details.error;
  const cause = fault.cause ?? fault;
  return `${relative(top, data.file ?? '')}:${String(data.line ?? '')}\n${cause.stack ?? String(cause)}`;
}

async function runFolder(folder, concurrency) {
  const files = testFilesOf(folder);
  if (files.length === 0) {
    report(false, folder, `no test file was found below test${sep}${folder}`);
    return;
  }
  const ran = new Set();
  const before = passed;
  await new Promise((done) => {
    run({ files, concurrency, timeout: FILE_TIMEOUT_MS })
      .on('test:pass', (data) => {
        const isFile = files.includes(resolve(top, data.name));
        if (data.details.type === 'suite' || isFile || data.skip || data.todo) return;
        ran.add(data.file);
        report(true, data.name, '');
      })
      .on('test:fail', (data) => {
        ran.add(data.file);
        if (data.details.error?.failureType === 'subtestsFailed') return;
        report(false, data.name, describeFault(data));
      })
      .on('test:stderr', (data) => process.stdout.write(data.message))
      .on('data', () => undefined)
      .on('end', done);
  });
  for (const file of files.filter((name) => !ran.has(name)))
    report(false, relative(top, file), 'no test of this file was run');
  process.stdout.write(`passed  ${folder}: ${String(passed - before)} tests in ${String(files.length)} files\n`);
}

/** Runs these in a process of their own, with the loader that lets test processes be TypeScript; adds up what it counted. */
function runLane(names, priority) {
  return new Promise((done) => {
    const child = spawn(
      process.execPath,
      ['--no-warnings', '--import', registration, fileURLToPath(import.meta.url), ...names],
      {
        cwd: top,
        stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
        env: { ...process.env, TS_NODE_TRANSPILE_ONLY: 'true' },
      },
    );
    setPriority(child.pid, priority);
    let counted = { passed: 0, failed: 1 };
    child.on('message', (counts) => (counted = counts));
    child.on('close', () => {
      passed += counted.passed;
      failed += counted.failed;
      done();
    });
  });
}

const wanted = process.argv.slice(2);
if (process.send && process.execArgv.includes('--import')) {
  for (const name of wanted) {
    if (name === 'checks') await runChecks();
    else await runFolder(name, SERIAL.includes(name) ? 1 : availableParallelism());
  }
  process.send({ passed, failed });
  process.disconnect();
} else {
  const beside = wanted.includes('--beside') ? wanted.splice(wanted.indexOf('--beside')).slice(1) : [];
  if (wanted.concat(beside).some((name) => name !== 'checks')) await compileBelow('src', 'test');
  const lanes = [runLane(wanted, constants.priority.PRIORITY_NORMAL)];
  if (beside.length > 0) lanes.push(runLane(beside, constants.priority.PRIORITY_LOW));
  await Promise.all(lanes);
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
