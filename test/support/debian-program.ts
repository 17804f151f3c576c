import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** Fails with the name of the package when a program of Debian's is missing: a test that needs it must not pass without it. */
export function requireProgram(program: string, debianPackage: string): void {
  const { status } = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${program}`]);
  if (status !== 0) throw new Error(`${program} is missing: apt-get install ${debianPackage}`);
}

/** Runs a program to its end; what it wrote, and its exit status. */
export function runProgramOf(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string },
): {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly output: string }>;
} {
  const child = spawn(program, args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString('latin1')));
  const ended = new Promise<{ readonly status: number | null; readonly output: string }>((done) => {
    child.on('close', (status) => {
      done({ status, output });
    });
  });
  return { child, ended };
}
