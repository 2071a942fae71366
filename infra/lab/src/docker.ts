/** Parts from Docker Compose: the services `postgres`, `redis` and `rabbitmq` of the checkout's docker-compose.yml. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './paths.ts';
import { type PartName, plainEnvironment } from './parts/part.ts';
import type { BrokerControl } from './parts/rabbitmq.ts';
import { describe, LabProblem } from './problem.ts';
import type { Secrets } from './secrets.ts';

const run = promisify(execFile);

/** Milliseconds a Docker engine has to answer before it counts as absent. */
const answerTimeout = 2000;
const upTimeout = 300_000;

/** True when a Docker engine with Compose answers within two seconds. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await run('docker', ['info'], { timeout: answerTimeout });
    await run('docker', ['compose', 'version'], { timeout: answerTimeout });
    return true;
  } catch {
    // No program, no engine, no rights or no Compose: all mean "not by Docker".
    return false;
  }
}

/** Controls the parts of one lab in Docker. */
export type DockerParts = {
  /** Starts the parts and waits until they are healthy. @throws LabProblem */
  up: (parts: readonly PartName[]) => Promise<void>;
  restart: (part: PartName, signal?: NodeJS.Signals) => Promise<void>;
  pause: (part: PartName) => Promise<void>;
  resume: (part: PartName) => Promise<void>;
  /** How the broker's own control program is run in its container. */
  brokerControl: () => BrokerControl;
  /** Stops them; with `removeData` their volumes go too. */
  down: (removeData: boolean) => Promise<void>;
};

/** The Docker parts of a lab, named after its first port so that several can run. */
export function dockerParts(portBase: number, ports: Record<PartName, number>, secrets: Secrets): DockerParts {
  const project = `ballast-${portBase}`;
  const compose = async (...args: string[]): Promise<void> => {
    try {
      await run('docker', ['compose', '--project-name', project, ...args], {
        cwd: repositoryRoot,
        timeout: upTimeout,
        env: {
          ...process.env,
          POSTGRES_PORT: String(ports.postgres),
          REDIS_PORT: String(ports.redis),
          AMQP_PORT: String(ports.rabbitmq),
          POSTGRES_ADMIN_PASSWORD: secrets.postgresAdmin,
          REDIS_PASSWORD: secrets.redis,
          RABBITMQ_PASSWORD: secrets.rabbitmq,
        },
      });
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
      throw new LabProblem(
        'docker',
        `Docker Compose could not "${args[0] ?? ''}" the parts: ${said.split('\n').at(-1) ?? describe(error)}; look at "docker compose --project-name ${project} logs", or use --parts native.`,
        { cause: error },
      );
    }
  };
  return {
    up: async (parts) => await compose('up', '--detach', '--wait', ...parts),
    restart: async (part, signal) => {
      if (signal !== undefined) await compose('kill', '--signal', signal, part);
      await compose(
        signal === undefined ? 'restart' : 'up',
        ...(signal === undefined ? [part] : ['--detach', '--wait', part]),
      );
    },
    pause: async (part) => await compose('pause', part),
    resume: async (part) => await compose('unpause', part),
    brokerControl: () => ({
      command: 'docker',
      args: [
        'compose',
        '--project-name',
        project,
        '--file',
        join(repositoryRoot, 'docker-compose.yml'),
        'exec',
        '--no-TTY',
        'rabbitmq',
        'rabbitmqctl',
        '--quiet',
      ],
      // Also where the engine is, when it is not in the usual place.
      environment: {
        ...plainEnvironment(process.env),
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('DOCKER_'))),
      } as Record<string, string>,
    }),
    down: async (removeData) => await compose('down', ...(removeData ? ['--volumes'] : [])),
  };
}
