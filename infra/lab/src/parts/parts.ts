/** Decides for each part how it is had (from the environment, from Docker, natively) and gets it ready to start. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ComponentSpec } from '../component.ts';
import { labPaths } from '../paths.ts';
import type { Secrets } from '../secrets.ts';
import { LabProblem } from '../problem.ts';
import { partNames, type PartName, partVariables, labPartUrls } from './part.ts';
import { preparePostgres } from './postgres.ts';
import { prepareRabbitmq } from './rabbitmq.ts';
import { prepareRedis } from './redis.ts';

/** How a part is had. */
export type PartSource = 'native' | 'docker' | 'external';

/** What `--parts` may say; `auto` is what holds without it. */
export const partChoices = ['auto', 'native', 'docker', 'external'] as const;

/** A value of `--parts`. */
export type PartChoice = (typeof partChoices)[number];

/** Everything needed to prepare native parts. `ports` are absolute. */
export type NativeOptions = {
  dataDirectory: string;
  ports: Record<PartName, number>;
  secrets: Secrets;
  disposable: boolean;
  onProgress: (component: string, message: string) => void;
};

/** The source of each part. @throws LabProblem when `external` is asked for and a URL is missing. */
export async function choosePartSources(
  choice: PartChoice,
  environment: NodeJS.ProcessEnv,
  dockerAnswers: () => Promise<boolean>,
): Promise<Record<PartName, PartSource>> {
  const given = (part: PartName): boolean => (environment[partVariables[part].url] ?? '') !== '';
  if (choice === 'native' || choice === 'docker') return forEachPart(() => choice);
  if (choice === 'external') {
    const missing = partNames.filter((part) => !given(part)).map((part) => partVariables[part].url);
    if (missing.length === 0) return forEachPart(() => 'external');
    throw new LabProblem(
      'lab',
      `--parts external needs ${missing.join(', ')} in the environment; set ${missing.length === 1 ? 'it' : 'them'}, or use --parts native.`,
    );
  }
  const others = partNames.every(given) || !(await dockerAnswers()) ? 'native' : 'docker';
  return forEachPart((part) => (given(part) ? 'external' : others));
}

/** Installs, prepares and describes one native part. */
export async function prepareNativePart(part: PartName, options: NativeOptions): Promise<ComponentSpec> {
  const { data } = labPaths(options.dataDirectory);
  mkdirSync(data, { recursive: true, mode: 0o755 });
  const context = {
    dataDirectory: join(data, part),
    port: options.ports[part],
    url: labPartUrls(options.ports, options.secrets)[part],
    disposable: options.disposable,
    onProgress: (message: string) => options.onProgress(part, message),
  };
  const { secrets } = options;
  const prepare: Record<PartName, () => Promise<ComponentSpec>> = {
    postgres: async () => await preparePostgres({ ...context, password: secrets.postgresAdmin }),
    redis: async () => await prepareRedis({ ...context, password: secrets.redis }),
    rabbitmq: async () => await prepareRabbitmq({ ...context, password: secrets.rabbitmq }, secrets.erlangCookie),
  };
  return await prepare[part]();
}

/** Builds a record with a value for every part. */
export function forEachPart<T>(value: (part: PartName) => T): Record<PartName, T> {
  return { postgres: value('postgres'), redis: value('redis'), rabbitmq: value('rabbitmq') };
}

/** A URL without its secrets, as a person may see it. */
export function withoutSecrets(url: string): string {
  try {
    const { hostname, port } = new URL(url);
    return port === '' ? hostname : `${hostname}:${port}`;
  } catch {
    return 'an address that is not a URL';
  }
}
