/** Vault itself, without HTTP: state, seal, tokens, leases, and the clock that ends them. */
import { VaultError } from './answers.ts';
import { endRole, prolongRole } from './database-roles.ts';
import { Leases } from './leases.ts';
import { type Capability, allows, defaultPolicy } from './policies.ts';
import { PostgresConnections } from './postgres.ts';
import { Store } from './store.ts';
import { type Caller, Tokens } from './tokens.ts';

/** How it shows itself to health checks; anything but `active` is set by hand. */
export type Mode = 'active' | 'standby' | 'uninitialised';

/** What the core is told from outside. */
export type VaultSettings = {
  dataDirectory: string;
  rootToken: string;
  unsealKey: string;
  warn: (details: object, message: string) => void;
};

/** How often it looks for what has expired, in milliseconds; so late at most is an end. */
const sweepEvery = 100;

export class Vault {
  readonly store: Store;
  readonly leases: Leases;
  readonly tokens: Tokens;
  readonly connections: PostgresConnections;
  readonly #settings: VaultSettings;
  mode: Mode = 'active';
  sealed = false;
  /** Until when answers are held back, in milliseconds since 1970. */
  hangsUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  private constructor(settings: VaultSettings, store: Store) {
    this.#settings = settings;
    this.store = store;
    this.connections = new PostgresConnections(settings.warn);
    this.leases = new Leases(
      store,
      {
        end: async (lease) => await endRole(this, lease),
        prolong: async (lease, expiresAt) => await prolongRole(this, lease, expiresAt),
      },
      settings.warn,
    );
    this.tokens = new Tokens(store, this.leases, settings.rootToken);
  }

  /** Reads the state and begins to end what has expired meanwhile. @throws Error when the state is damaged. */
  static async open(settings: VaultSettings): Promise<Vault> {
    const vault = new Vault(settings, await Store.open(settings.dataDirectory));
    vault.#timer = setInterval(() => vault.#tick(), sweepEvery);
    return vault;
  }

  /** True when the caller's policies allow the request. */
  mayCall({ token, root }: Caller, path: string, wanted: readonly Capability[], sudo: boolean): boolean {
    if (root || token.policies.includes('root')) return true;
    const policies = token.policies.flatMap((name) => this.policy(name) ?? []);
    return allows(policies, path, wanted, sudo);
  }

  /** A policy's text. */
  policy(name: string): string | undefined {
    return this.store.state.policies[name] ?? (name === 'default' ? defaultPolicy : undefined);
  }

  /** @throws VaultError 400 when the key is wrong. */
  unseal(key: string): void {
    if (key !== this.#settings.unsealKey) throw new VaultError(400, 'Unseal failed, invalid key');
    this.sealed = false;
  }

  /** Ends what has expired. Nothing ends while it is sealed, as with Vault. */
  async sweep(): Promise<void> {
    if (this.sealed) return;
    for (const accessor of this.tokens.expired()) await this.tokens.revoke(accessor);
    await this.leases.revokeDue();
  }

  /** Stops the clock, waits for what is under way, closes connections. Leases stay, and go on at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
    await this.connections.close();
    await this.store.settled();
  }

  #tick(): void {
    this.#sweeping ??= this.sweep()
      .catch((error: unknown) => this.#settings.warn({ error }, 'ending what has expired failed; it is tried again'))
      .finally(() => (this.#sweeping = undefined));
  }
}
