/** What the chaos controller is told by its environment. What is missing makes the faults that need it unavailable, no more. */
import { CommonConfig, ConfigError, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { MeshInstance } from './state.ts';

const Url = Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' });

const Settings = Type.Object({
  ...CommonConfig.properties,
  /** Issuer of access tokens, without a slash at the end. */
  IDENTITY_URL: Url,
  /** The controller's own account: it breaks and mends as an operator. */
  OPERATOR_EMAIL: Type.Optional(Type.String({ minLength: 3 })),
  OPERATOR_PASSWORD: Type.Optional(Type.String({ minLength: 1 })),
  /** A customer; further accounts of the load are made when they are needed. */
  SHOPPER_EMAIL: Type.Optional(Type.String({ minLength: 3 })),
  SHOPPER_PASSWORD: Type.Optional(Type.String({ minLength: 1 })),
  BFF_URL: Type.Optional(Url),
  AUDITOR_URL: Type.Optional(Url),
  /** Toxiproxy's API. */
  TOXIPROXY_URL: Type.Optional(Url),
  /** Services as `name=url`, comma separated; past all links, because what mends must not pass through what is broken. */
  INSTANCES: Type.String({ default: '' }),
  /** The same for stand-ins. */
  STAND_INS: Type.String({ default: '' }),
  /** The parts themselves, past all links. The login may end the backends of others (`pg_signal_backend`). */
  POSTGRES_URL: Type.Optional(Type.String({ pattern: '^postgres(ql)?://' })),
  REDIS_URL: Type.Optional(Type.String({ pattern: '^rediss?://' })),
  AMQP_URL: Type.Optional(Type.String({ pattern: '^amqps?://' })),
  VAULT_ADDR: Type.Optional(Url),
  VAULT_TOKEN: Type.Optional(Type.String({ minLength: 1 })),
  VAULT_UNSEAL_KEY: Type.Optional(Type.String({ minLength: 1 })),
  /** How rabbitmqctl is run: JSON `{command, args, environment}`; what it is to do is put behind `args`. */
  BROKER_CONTROL: Type.Optional(Type.String({ minLength: 2 })),
});

const BrokerControl = Type.Object(
  {
    command: Type.String({ minLength: 1 }),
    args: Type.Optional(Type.Array(Type.String())),
    environment: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { additionalProperties: false },
);
const brokerControlCheck = Compile(BrokerControl);

/** How a broker's control program is run. */
export interface BrokerProgram {
  command: string;
  args: readonly string[];
  environment: Record<string, string>;
}

/** The settings, with what is a list or a document taken apart. */
export interface Config extends Static<typeof Settings> {
  instances: readonly MeshInstance[];
  brokerProgram: BrokerProgram | null;
}

/** Reads and checks the environment. Throws a `ConfigError` that names the variable, also where this is no lab. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const settings = loadConfig(Settings, environment);
  if (settings.LAB_MODE !== '1') {
    throw new ConfigError('LAB_MODE: must be 1: this service breaks others on purpose and exists in a lab only');
  }
  const instances = [
    ...readInstances('INSTANCES', settings.INSTANCES, 'service'),
    ...readInstances('STAND_INS', settings.STAND_INS, 'stand-in'),
  ];
  const twice = instances.find(({ name }, index) => instances.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new ConfigError(`INSTANCES: ${twice.name} is in it twice`);
  return { ...settings, instances, brokerProgram: readBrokerProgram(settings.BROKER_CONTROL) };
}

function readInstances(variable: string, text: string, kind: MeshInstance['kind']): MeshInstance[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, name, address] = /^([a-z][a-z0-9-]{0,39})=(.+)$/.exec(part) ?? [];
      const url = address === undefined ? null : URL.parse(address);
      if (name === undefined || url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/') {
        throw new ConfigError(`${variable}: must be name=url pairs with http or https URLs without a path`);
      }
      return { name, service: name.replace(/-\d+$/, ''), kind, url: url.origin };
    });
}

function readBrokerProgram(text: string | undefined): BrokerProgram | null {
  if (text === undefined) return null;
  const value = parse(text);
  if (!brokerControlCheck.Check(value)) {
    throw new ConfigError('BROKER_CONTROL: must be JSON like {"command":"…","args":["…"],"environment":{"…":"…"}}');
  }
  return { command: value.command, args: value.args ?? [], environment: value.environment ?? {} };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
