/** What the TCP gateway is told by its environment. */
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Limit = (fallback: number) => Type.Integer({ minimum: 1, maximum: 1_000_000, default: fallback });

const Config = Type.Object({
  /** `PORT` is the HTTP side's: health, metrics, lab routes. */
  ...CommonConfig.properties,
  /** Goes into every report and event, so it is held to their pattern. */
  INSTANCE: Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' }),
  /** Where devices connect. */
  TCP_PORT: Type.Integer({ minimum: 0, maximum: 65_535 }),
  /**
   * `1`: other processes may listen on TCP_PORT too, and the kernel spreads connections over them (Linux). This is how the
   * gateway uses several cores: one process a core, each with a PORT and an INSTANCE of its own.
   */
  TCP_REUSE_PORT: Type.Enum(['0', '1'], { default: '0' }),
  /** Files in PEM. With a certificate devices speak TLS; TLS_CLIENT_CA asks them for certificates signed by it. */
  TLS_CERT: Type.Optional(Type.String()),
  TLS_KEY: Type.Optional(Type.String()),
  TLS_CLIENT_CA: Type.Optional(Type.String()),
  /** Issuer of device tokens, without a slash at the end; its keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' }),
  AMQP_URL: Type.String({ pattern: '^amqps?://' }),
  /** Prefix of exchanges and queues. */
  MESSAGING_NAMESPACE: Type.String({ default: 'ballast', pattern: '^[a-z0-9.-]+$' }),
  /** From connecting to the whole first line, in ms. */
  AUTH_DEADLINE_MS: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
  /** A session from which no whole line came for so long is over. */
  HEARTBEAT_SECONDS: Type.Integer({ minimum: 1, maximum: 3_600, default: 30 }),
  /** Connections in all; a few more are told so, the rest are cut. */
  MAX_CONNECTIONS: Limit(25_000),
  MAX_CONNECTIONS_PER_ADDRESS: Limit(5_000),
  /** Connections that have not been let in yet. */
  MAX_UNAUTHENTICATED: Limit(2_000),
  /** Good tokens of one device: so many at once, and then so many a minute. */
  DEVICE_ATTEMPTS_BURST: Limit(20),
  DEVICE_ATTEMPTS_PER_MINUTE: Limit(60),
  /** Bytes that a device has not read yet, from which on nothing more is read from it. */
  WRITE_BUFFER_BYTES: Type.Integer({ minimum: 256, maximum: 1_048_576, default: 16_384 }),
  /** A device that reads nothing for so long beyond that is closed, in ms. */
  STALL_LIMIT_MS: Type.Integer({ minimum: 100, maximum: 600_000, default: 10_000 }),
  /** Telemetry frames and their bytes that wait for the broker; the oldest go first. */
  TELEMETRY_QUEUE_ITEMS: Limit(50_000),
  TELEMETRY_QUEUE_BYTES: Type.Integer({ minimum: 65_536, maximum: 1_073_741_824, default: 33_554_432 }),
  /** Lifecycle events that wait for the broker; the oldest go first. */
  EVENT_QUEUE_ITEMS: Limit(20_000),
});
export type Config = Static<typeof Config>;

/** Reads the process's environment; throws a `ConfigError` that names the variable at fault. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  return loadConfig(Config, environment);
}
