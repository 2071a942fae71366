/** What every part is to the lab: something that is found, prepared, started, waited for and stopped. */
import type { Secrets } from '../secrets.ts';
import { loopback } from '../ports.ts';

/** The products the mesh needs. NATS, Prometheus and Vault join with their issues. */
export const partNames = ['postgres', 'redis', 'rabbitmq'] as const;

/** The name of a part. */
export type PartName = (typeof partNames)[number];

/** Where a part's connection string comes from in the environment, and what tests call it. */
export const partVariables: Record<PartName, { url: string; testUrl: string }> = {
  postgres: { url: 'POSTGRES_URL', testUrl: 'TEST_POSTGRES_URL' },
  redis: { url: 'REDIS_URL', testUrl: 'TEST_REDIS_URL' },
  rabbitmq: { url: 'AMQP_URL', testUrl: 'TEST_AMQP_URL' },
};

/** What a native part is prepared from. */
export type PartContext = {
  /** The part's own folder. */
  dataDirectory: string;
  port: number;
  /** Administrator's password. */
  password: string;
  /** Administrator's URL. */
  url: string;
  /** Speed over safety: for test runs, whose data nobody wants back. */
  disposable: boolean;
  /** Shown to a person while something takes long. */
  onProgress: (message: string) => void;
};

/** The environment every child gets: enough to find programs and write files, nothing of the user's own. */
export function plainEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'NODE_EXTRA_CA_CERTS', 'NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE'];
  const entries = kept.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { LANG: 'C.UTF-8', ...Object.fromEntries(entries) };
}

/** The administrator of a lab's PostgreSQL. */
export const postgresAdministrator = 'ballast_admin';

/** The only user of a lab's RabbitMQ. */
export const rabbitmqUser = 'ballast';

/** The administrator's URLs of the parts of a lab, natively or in Docker. They hold secrets. */
export function labPartUrls(ports: Readonly<Record<PartName, number>>, secrets: Secrets): Record<PartName, string> {
  return {
    postgres: `postgres://${postgresAdministrator}:${secrets.postgresAdmin}@${loopback}:${ports.postgres}/postgres`,
    redis: `redis://:${secrets.redis}@${loopback}:${ports.redis}`,
    rabbitmq: `amqp://${rabbitmqUser}:${secrets.rabbitmq}@${loopback}:${ports.rabbitmq}`,
  };
}
