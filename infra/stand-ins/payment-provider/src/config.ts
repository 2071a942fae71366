// The environment, checked. The only file here that reads it.

import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { StandInOptions } from './app.ts';

const Url = Type.String({ pattern: '^https?://[^\\s]+$' });
const Environment = Compile(
  Type.Object({
    HOST: Type.Optional(Type.String({ minLength: 1 })),
    PORT: Type.String({ pattern: '^[0-9]{1,5}$' }),
    DATA_DIR: Type.String({ minLength: 1 }),
    PUBLIC_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s/]+$' })),
    STRIPE_SECRET_KEY: Type.String({ minLength: 1 }),
    STRIPE_WEBHOOK_SECRET: Type.String({ minLength: 1 }),
    STRIPE_WEBHOOK_URL: Type.Optional(Url),
    PAYPAL_CLIENT_ID: Type.String({ minLength: 1 }),
    PAYPAL_CLIENT_SECRET: Type.String({ minLength: 1 }),
    PAYPAL_WEBHOOK_ID: Type.String({ minLength: 1 }),
    PAYPAL_WEBHOOK_URL: Type.Optional(Url),
    LOG_LEVEL: Type.Optional(
      Type.Union(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map((level) => Type.Literal(level))),
    ),
  }),
);

/** What the process is started with. */
export type Config = StandInOptions & { host: string; port: number };

/** Reads the environment. Throws one error that names every variable missing or wrong. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
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
    ...(environment.PUBLIC_URL === undefined ? {} : { publicUrl: environment.PUBLIC_URL }),
    stripe: {
      secretKey: environment.STRIPE_SECRET_KEY,
      webhookSecret: environment.STRIPE_WEBHOOK_SECRET,
      ...(environment.STRIPE_WEBHOOK_URL === undefined ? {} : { webhookUrl: environment.STRIPE_WEBHOOK_URL }),
    },
    paypal: {
      clientId: environment.PAYPAL_CLIENT_ID,
      clientSecret: environment.PAYPAL_CLIENT_SECRET,
      webhookId: environment.PAYPAL_WEBHOOK_ID,
      ...(environment.PAYPAL_WEBHOOK_URL === undefined ? {} : { webhookUrl: environment.PAYPAL_WEBHOOK_URL }),
    },
    logLevel: environment.LOG_LEVEL ?? 'info',
  };
}
