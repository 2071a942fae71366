/** Configuration: environment variables through a TypeBox schema. A wrong one is named, never guessed. */
import { Type, type Static, type TObject } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { fromText } from './validation.ts';

/** A setting is missing or cannot be used; the message is one sentence that names it. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** The settings every service has. Spread its `properties` into the service's own schema. */
export const CommonConfig = Type.Object({
  /** Address to listen on. */
  HOST: Type.String({ default: '127.0.0.1' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535 }),
  /** Name of this replica, e.g. `catalog-1`; goes into logs and the `x-instance` header. */
  INSTANCE: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.-]+$' }),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { default: 'info' }),
  /** `1` switches on lab and chaos routes and fail points. Never set it where strangers can call. */
  LAB_MODE: Type.Enum(['0', '1'], { default: '0' }),
  /**
   * Where identity is reached, if not at IDENTITY_URL, which names the issuer of tokens: behind a proxy, say. Without a slash
   * at the end.
   */
  IDENTITY_ADDRESS: Type.Optional(Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' })),
  /** Fail points to arm at start, lab only; see libs/faults. */
  FAULTS: Type.String({ default: '' }),
  /** Defects to plant at start, comma separated, lab only; see libs/faults. */
  DEFECTS: Type.String({ default: '' }),
});

/**
 * Reads `environment` through `schema`: defaults filled in, text converted to numbers, everything else refused.
 * Variables the schema does not name are left out. Throws a `ConfigError` that names the variable.
 */
export function loadConfig<Schema extends TObject>(
  schema: Schema,
  environment: Record<string, string | undefined>,
): Static<Schema> {
  const known: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    const value = environment[name];
    if (value !== undefined && value !== '') known[name] = value;
  }
  const value = fromText(schema, Value.Default(schema, known)) as Static<Schema>;
  const check = Compile(schema);
  if (check.Check(value)) return value;
  const first = check.Errors(value)[0]!;
  const name = first.keyword === 'required' ? first.params.requiredProperties.join(', ') : first.instancePath.slice(1);
  // The value itself is not repeated: it may be a secret.
  throw new ConfigError(
    first.keyword === 'required' ? `${name}: not set in the environment` : `${name}: ${first.message}`,
  );
}
