/** What the auditor is told by its environment. */
import { CommonConfig, ConfigError, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Config = Type.Object({
  ...CommonConfig.properties,
  /** A login that may read every service's schema and see everybody's sessions (pg_read_all_stats). It needs no more. */
  POSTGRES_URL: Type.String({ pattern: '^postgres(ql)?://' }),
  /** Issuer of access tokens, without a slash at the end; its keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' }),
  /** Where the payment provider's own ledger is had; without it money is judged by the mesh's own rows only. */
  PAYMENT_LEDGER_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s?#]+$' })),
  /**
   * How far behind a replica of catalog may be while it hears of changes, in ms: guarantee 6's by default. A run that shares
   * its machine with others and does not measure gives it more.
   */
  REPLICA_LAG_MS: Type.Integer({ minimum: 100, maximum: 5_000, default: 500 }),
  /**
   * Where devices connect, on this machine: the auditor counts the kernel's sockets of that port. Without it, as where
   * gateways have an address space of their own, invariant 11 is not judged.
   */
  DEVICE_PORT: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  /** File in which acknowledged damage is kept, so that it is known after a restart; without it, it is forgotten then. */
  KNOWN_DAMAGE_FILE: Type.Optional(Type.String({ minLength: 1 })),
  /** Every instance of every service, past all links: `name=url`, comma separated. */
  INSTANCES: Type.String({ pattern: '^[a-z][a-z0-9-]*=https?://[^\\s,]+(,[a-z][a-z0-9-]*=https?://[^\\s,]+)*$' }),
});
export type Config = Static<typeof Config>;

/** An instance, by its name in the mesh. */
export interface Instance {
  name: string;
  /** `catalog` of `catalog-1`. */
  service: string;
  /** Without a slash at the end. */
  url: string;
}

/** Reads the process's environment; throws a `ConfigError` that names the variable at fault. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  return loadConfig(Config, environment);
}

/** Reads INSTANCES. Throws a `ConfigError` for a name that stands there twice. */
export function readInstances(text: string): Instance[] {
  const instances = text.split(',').map((entry): Instance => {
    const [name, url] = [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)];
    return { name, service: name.replace(/-\d+$/, ''), url: url.replace(/\/+$/, '') };
  });
  const twice = instances.find(({ name }, place) => instances.findIndex((other) => other.name === name) !== place);
  if (twice !== undefined) throw new ConfigError(`INSTANCES: names ${twice.name} twice`);
  return instances;
}
