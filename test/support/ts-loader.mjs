// Module hooks that let Node run this repository's TypeScript: ts-node compiles each file once, and its result is kept by its
// content below .cache/ts, because every test file, thread and child process is a Node of its own that would compile all anew.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(top, '.cache', 'ts');
const settings = readFileSync(join(top, 'tsconfig.json')) + readFileSync(join(top, 'package.json'));
let compiler;

/** Sources import `./x.js`, as they will be called when built: find the `.ts` that it is made of. */
export async function resolve(specifier, context, next) {
  if (specifier.endsWith('.js') && (specifier.startsWith('.') || specifier.startsWith('file:'))) {
    const source = new URL(`${specifier.slice(0, -3)}.ts`, context.parentURL);
    if (!source.pathname.includes('/node_modules/') && existsSync(source)) return next(source.href, context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const file = fileURLToPath(url);
  return { format: 'module', shortCircuit: true, source: await compiled(file, readFileSync(file, 'utf8')) };
}

/** Compiles what was not compiled yet below these folders: in one process, because loading the compiler costs more than a file. */
export async function compileBelow(...folders) {
  for (const folder of folders) {
    const names = readdirSync(join(top, folder), { recursive: true }).filter((name) => name.endsWith('.ts'));
    for (const file of names.map((name) => join(top, folder, name))) await compiled(file, readFileSync(file, 'utf8'));
  }
}

async function compiled(file, text) {
  const kept = join(cache, createHash('sha256').update(settings).update(file).update(text).digest('hex'));
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { create } = await import('ts-node');
  compiler ??= create({ cwd: top, transpileOnly: true, esm: true });
  const result = compiler.compile(text, file);
  mkdirSync(cache, { recursive: true });
  const half = `${kept}.${randomUUID()}`;
  writeFileSync(half, result);
  renameSync(half, kept);
  return result;
}
