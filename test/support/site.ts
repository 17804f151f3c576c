import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wavHeader } from '../../src/media/wav.js';
import { Daemon, ownLoopbackAddress, runCommand } from './daemon.js';

export interface SiteOptions {
  /** Which of this test file's own loopback addresses. */
  readonly which?: number;
  /** An address of another kind than those. */
  readonly listen?: string;
  readonly extensions?: readonly string[];
  /** Where its data directory is made. */
  readonly directory?: string;
  readonly maxCallsAllowed?: number;
  /** Addresses of the one gateway; all of loopback when omitted. */
  readonly gateway?: readonly string[];
  readonly pilot?: string;
  /** Further keys of the configuration file. */
  readonly config?: Readonly<Record<string, string>>;
  readonly dialPlan?: Readonly<Record<string, unknown>>;
  readonly mailbox?: Readonly<Record<string, unknown>>;
}

/** What `messages --json` prints of one message. */
export interface MessageFacts {
  readonly id: string;
  readonly mailbox: string;
  readonly from: string;
  readonly callerName: string;
  readonly durationMs: number;
  readonly partial: boolean;
  readonly codec: string | null;
  readonly audioFile: string | null;
  readonly callId: string;
  readonly delivery: readonly { readonly kind: string; readonly state: string; readonly lastError: string | null }[];
}

/** A company: a data directory with dial plan, gateway and mailboxes, a configuration file, and greetings of a tenth of a second. */
export class Site {
  readonly data: string;
  readonly listen: string;
  readonly configFile: string;
  readonly #options: SiteOptions;

  private constructor(options: SiteOptions) {
    this.#options = options;
    this.data = mkdtempSync(join(options.directory ?? tmpdir(), 'openum-site-'));
    this.configFile = join(this.data, 'msexchangeum.config');
    this.listen = options.listen ?? ownLoopbackAddress(options.which ?? 0);
    this.writeConfig();
    mkdirSync(join(this.data, 'greetings'), { recursive: true });
    this.writeGreeting('short.wav', 0.1);
  }

  static async make(options: SiteOptions = {}): Promise<Site> {
    const site = new Site(options);
    const file = join(site.data, 'directory.json');
    writeFileSync(file, JSON.stringify(site.document()));
    const { status, stderr } = await runCommand(['directory', 'import', file, '--data', site.data], site.data);
    if (status !== 0) throw new Error(`the directory was not taken: ${stderr}`);
    return site;
  }

  /** A greeting of silence below `greetings/`. */
  writeGreeting(name: string, seconds: number): void {
    const quiet = new Uint8Array(seconds * 8_000).fill(0xff);
    writeFileSync(join(this.data, 'greetings', name), Buffer.concat([wavHeader('PCMU', quiet.length), quiet]));
  }

  document(): unknown {
    const options = this.#options;
    return {
      dialPlans: [{ name: 'HQ', numberOfDigitsInExtension: 4, ...options.dialPlan }],
      mailboxPolicies: [{ name: 'Default', dialPlan: 'HQ' }],
      gateways: [{ name: 'PBX', addresses: options.gateway ?? ['127.0.0.0/8'] }],
      huntGroups: [{ name: 'All', gateway: 'PBX', dialPlan: 'HQ', pilotIdentifier: options.pilot ?? '' }],
      mailboxes: (options.extensions ?? ['1000', '1001']).map((extension) => ({
        address: `${extension}@example.test`,
        displayName: `User ${extension}`,
        extensions: [extension],
        mailboxPolicy: 'Default',
        greetingFile: 'short.wav',
        ...options.mailbox,
      })),
      settings: { maxCallsAllowed: options.maxCallsAllowed ?? 100 },
    };
  }

  /** Writes the configuration file as an editor does: a new file in place of the old one. */
  writeConfig(keys: Readonly<Record<string, string>> = {}): void {
    const all = { ServerName: 'um.example.test', ...this.#options.config, ...keys };
    const lines = Object.entries(all).map(([key, value]) => `    <add key="${key}" value="${value}"/>`);
    const text = ['<configuration>', '  <appSettings>', ...lines, '  </appSettings>', '</configuration>', ''].join(
      '\n',
    );
    writeFileSync(`${this.configFile}.new`, text);
    renameSync(`${this.configFile}.new`, this.configFile);
  }

  start(env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
    return Daemon.start({ listen: this.listen, data: this.data, configFile: this.configFile, env });
  }

  remove(): void {
    rmSync(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/** Audio of a WAV file of ours: what follows the 58 bytes of header. */
export function payloadOf(wavFile: string): Buffer {
  const bytes = readFileSync(wavFile);
  const data = bytes.indexOf('data', 12, 'latin1');
  return bytes.subarray(data + 8, data + 8 + bytes.readUInt32LE(data + 4));
}

/** Speech-like mu-law audio that differs in every packet. */
export function speech(seconds: number, seed = 1): Uint8Array {
  const audio = new Uint8Array(seconds * 8000);
  let state = seed;
  for (let k = 0; k < audio.length; k += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    audio[k] = ((state >> 16) & 0x8f) | 0x10;
  }
  return audio;
}

/** Files below a Maildir tree's `new` folders. */
export function deliveredMails(data: string): readonly string[] {
  try {
    return readdirSync(join(data, 'mail'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /[\\/]new[\\/]/.test(name))
      .map((name) => join(data, 'mail', name));
  } catch {
    return [];
  }
}
