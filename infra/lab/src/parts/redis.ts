/** Redis, from the machine or from Debian's package. Append-only, so that a kill loses at most a second. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findOrInstall } from '../native-packages.ts';
import { loopback } from '../ports.ts';
import type { ComponentSpec } from '../component.ts';
import { type PartContext, plainEnvironment } from './part.ts';
import { redisAnswers } from './probes.ts';

/** Installs Redis where it is missing, writes its configuration and answers how to start it. */
export async function prepareRedis(context: PartContext): Promise<ComponentSpec> {
  const { dataDirectory, port, password } = context;
  const found = await findOrInstall({
    part: 'redis',
    address: `${loopback}:${port}`,
    package: 'redis-server',
    programs: ['usr/bin/redis-server', 'opt/homebrew/bin/redis-server'],
    variable: 'REDIS_URL',
    onPath: true,
    onProgress: context.onProgress,
  });
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const configuration = join(dataDirectory, 'redis.conf');
  writeFileSync(
    configuration,
    [
      `bind ${loopback}`,
      `port ${port}`,
      `requirepass ${password}`,
      `dir "${dataDirectory}"`,
      'save ""',
      `appendonly ${context.disposable ? 'no' : 'yes'}`,
      'appendfsync everysec',
      'daemonize no',
      'maxmemory 256mb',
      'maxmemory-policy noeviction',
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  return {
    name: 'redis',
    kind: 'part',
    port,
    address: `${loopback}:${port}`,
    command: found.program,
    arguments: [configuration],
    workingDirectory: dataDirectory,
    environment: { ...plainEnvironment(process.env), ...found.environment },
    stopSignal: 'SIGTERM',
    stopTimeout: 10_000,
    readyTimeout: 30_000,
    probe: async (signal) => await redisAnswers(port, password, signal),
  };
}
