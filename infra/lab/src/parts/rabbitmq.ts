/**
 * RabbitMQ, from the machine or from Debian's packages, with every path, port and name of its own so that several run
 * side by side. One shell starts both the port mapper (epmd) and the broker in one process group: the broker would
 * otherwise start a mapper that outlives it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findOrInstall } from '../native-packages.ts';
import { loopback } from '../ports.ts';
import type { ComponentSpec } from '../component.ts';
import { type PartContext, plainEnvironment, rabbitmqUser } from './part.ts';
import { amqpAnswers } from './probes.ts';

/** Ports beside AMQP's own: Erlang distribution and its mapper. */
export const rabbitmqPorts = { distribution: 1, mapper: 2 } as const;

/** Installs RabbitMQ where it is missing, writes its configuration and answers how to start it. `cookie` guards its Erlang node. */
export async function prepareRabbitmq(context: PartContext, cookie: string): Promise<ComponentSpec> {
  const { dataDirectory, port } = context;
  const found = await findOrInstall({
    part: 'rabbitmq',
    address: `${loopback}:${port}`,
    package: 'rabbitmq-server',
    // Not the wrapper on PATH: that one lets only root and its own user in, and sets paths of its own.
    programs: [
      'usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server',
      'opt/rabbitmq/sbin/rabbitmq-server',
      'opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
    ],
    variable: 'AMQP_URL',
    onProgress: context.onProgress,
  });
  const home = join(dataDirectory, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, '.erlang.cookie'), cookie, { mode: 0o600, flag: 'w' });
  writeFileSync(join(dataDirectory, 'enabled_plugins'), '[].\n');
  const distribution = port + rabbitmqPorts.distribution;
  const mapper = port + rabbitmqPorts.mapper;
  writeFileSync(join(dataDirectory, 'rabbitmq.conf'), configuration(context), { mode: 0o600 });
  const environment = {
    ...plainEnvironment(process.env),
    ...found.environment,
    HOME: home,
    RABBITMQ_NODENAME: `ballast${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(dataDirectory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dataDirectory, 'logs'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(dataDirectory, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dataDirectory, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    // Replaces the start script by the broker itself, so that our signals reach it.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-noinput +B i +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: loopback,
    BALLAST_RABBITMQ_SERVER: found.program,
  };
  return {
    name: 'rabbitmq',
    kind: 'part',
    port,
    morePorts: [distribution, mapper],
    address: `${loopback}:${port}`,
    command: '/bin/sh',
    arguments: ['-c', 'epmd & exec "$BALLAST_RABBITMQ_SERVER"'],
    workingDirectory: dataDirectory,
    environment,
    stopSignal: 'SIGTERM',
    stopTimeout: 20_000,
    readyTimeout: 60_000,
    probe: async (signal) => await amqpAnswers(port, signal),
  };
}

/** https://www.rabbitmq.com/docs/configure, read by 3.10 to 4. */
function configuration({ port, password }: PartContext): string {
  return [
    `listeners.tcp.1 = ${loopback}:${port}`,
    `default_user = ${rabbitmqUser}`,
    `default_pass = ${password}`,
    'default_user_tags.administrator = true',
    'loopback_users = none',
    'vm_memory_high_watermark.absolute = 512MB',
    'disk_free_limit.absolute = 50MB',
    'log.console = true',
    'log.console.level = warning',
    '',
  ].join('\n');
}

/** How the broker's own control program is run; its own arguments come after `args`. */
export type BrokerControl = { command: string; args: readonly string[]; environment: Record<string, string> };

/** `rabbitmqctl` for the broker that is started by `spec`: the program beside the server's, the same node and cookie. */
export function brokerControl(spec: ComponentSpec): BrokerControl {
  const told = (name: string): string => spec.environment[name] ?? '';
  const kept = Object.entries(spec.environment).filter(
    ([name]) => !name.startsWith('RABBITMQ_') && !name.startsWith('BALLAST_'),
  );
  return {
    command: join(dirname(told('BALLAST_RABBITMQ_SERVER')), 'rabbitmqctl'),
    args: ['--quiet', '--node', told('RABBITMQ_NODENAME')],
    environment: { ...Object.fromEntries(kept), RABBITMQ_CONF_ENV_FILE: told('RABBITMQ_CONF_ENV_FILE') },
  };
}
