/** The environment and the file of proxies, checked. The only file here that reads them. */
import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ToxiproxyStandInOptions } from './app.ts';
import type { ProxySettings } from './proxy.ts';
import { readProxies } from './schemas.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const Environment = Compile(
  Type.Object({
    HOST: Type.Optional(Type.String({ minLength: 1 })),
    PORT: Type.String({ pattern: '^[0-9]{1,5}$' }),
    TOXIPROXY_CONFIG: Type.Optional(Type.String({ minLength: 1 })),
    LOG_LEVEL: Type.Optional(Type.Union(levels.map((level) => Type.Literal(level)))),
  }),
);

/** Reads the environment. @throws Error that names every variable missing or wrong, or what is wrong in the file. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): ToxiproxyStandInOptions {
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
  const file = environment.TOXIPROXY_CONFIG;
  return {
    host: environment.HOST ?? '127.0.0.1',
    port,
    proxies: file === undefined ? [] : readFile(file),
    logLevel: environment.LOG_LEVEL ?? 'info',
  };
}

function readFile(path: string): ProxySettings[] {
  try {
    return readProxies(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`Configuration: TOXIPROXY_CONFIG ${path}: ${(error as Error).message}`, { cause: error });
  }
}
