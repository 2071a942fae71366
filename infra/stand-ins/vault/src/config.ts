/** The environment, checked. The only file here that reads it. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { VaultStandInOptions } from './app.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const Environment = Compile(
  Type.Object({
    HOST: Type.Optional(Type.String({ minLength: 1 })),
    PORT: Type.String({ pattern: '^[0-9]{1,5}$' }),
    DATA_DIR: Type.String({ minLength: 1 }),
    VAULT_ROOT_TOKEN: Type.String({ minLength: 8 }),
    VAULT_UNSEAL_KEY: Type.Optional(Type.String({ minLength: 8 })),
    LOG_LEVEL: Type.Optional(Type.Union(levels.map((level) => Type.Literal(level)))),
  }),
);

/** Reads the environment. @throws Error that names every variable missing or wrong. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): VaultStandInOptions {
  if (!Environment.Check(environment)) {
    const names = Environment.Errors(environment).flatMap((error) =>
      error.keyword === 'required'
        ? error.params.requiredProperties.map((name) => `${name} is missing`)
        : [`${error.instancePath.slice(1)} ${error.message}`],
    );
    throw new Error(`Configuration: ${names.join('; ')}`);
  }
  const port = Number(environment.PORT);
  if (port > 65_535) throw new Error('Configuration: PORT must be at most 65535');
  return {
    host: environment.HOST ?? '127.0.0.1',
    port,
    dataDirectory: environment.DATA_DIR,
    rootToken: environment.VAULT_ROOT_TOKEN,
    ...(environment.VAULT_UNSEAL_KEY === undefined ? {} : { unsealKey: environment.VAULT_UNSEAL_KEY }),
    logLevel: environment.LOG_LEVEL ?? 'info',
  };
}
