/** What a simulation is told, on its command line and by the environment. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { allot, readMix, usualMix } from './mix.ts';
import { Problem } from './problem.ts';

export interface Options {
  devices: number;
  /** From the moment on at which all devices have begun. */
  seconds: number;
  /** How many devices play each scenario. */
  allotted: { scenario: string; devices: number }[];
  gateway: { host: string; port: number };
  /** Base URLs without a slash at the end; without `analytics` nothing is compared with it. */
  identity: string;
  analytics: string | undefined;
  operator: { email: string; password: string };
  /** Telemetry frames a second and valid device. */
  rate: number;
  /** New connections a second, of all devices together; storms do not ask. */
  connectRate: number;
  /** Connections at a time that show no token, of all devices together. */
  unknown: number;
  /** How long the gateway lets a connection be silent, in seconds. */
  authDeadline: number;
  /** How late a closing that is promised for a moment may be, in seconds. */
  patience: number;
  seed: number;
  threads: number;
  /** This process among those that share the work; both count from 1. */
  join: { process: number; processes: number; port: number };
  /** File that the report is written to, as JSON. */
  report: string | undefined;
}

export const usage = `npm run simulate -- [--devices 2000] [--seconds 60] [--mix valid=80,expired=5,… | all] [--rate 0.5]
                    [--gateway 127.0.0.1:4088] [--identity URL] [--analytics URL | --no-analytics] [--port-base 4000]
                    [--connect-rate 400] [--unknown 500] [--auth-deadline 5] [--patience 1] [--threads CORES]
                    [--seed 1] [--join 1-of-2 [--join-port 4089]] [--report FILE]

Plays devices against a running mesh (npm start), good ones and bad ones, and says whether every one of them was treated
as it should be, and whether analytics has counted the same. Exit 1 where not. --rate is of telemetry frames a second and
valid device; --patience is how late a promised closing may be, in seconds. With --join several processes with the same
options share the devices, and 1-of-N reports for all of them. --port-base is PORT_BASE where it is not given, as for npm
start. An operator's account comes from OPERATOR_EMAIL and OPERATOR_PASSWORD; the lab's own where they are not set.`;

const text = { type: 'string' } as const;
const definitions = {
  devices: { ...text, default: '2000' },
  seconds: { ...text, default: '60' },
  mix: { ...text, default: usualMix },
  rate: { ...text, default: '0.5' },
  gateway: text,
  identity: text,
  analytics: text,
  'no-analytics': { type: 'boolean', default: false },
  'port-base': text,
  'connect-rate': { ...text, default: '400' },
  unknown: { ...text, default: '500' },
  'auth-deadline': { ...text, default: '5' },
  patience: { ...text, default: '1' },
  threads: text,
  seed: { ...text, default: '1' },
  join: { ...text, default: '1-of-1' },
  'join-port': text,
  report: text,
  help: { type: 'boolean', default: false },
} as const;

/** Reads the arguments; null when help is wanted. Throws a {@link Problem} naming the option that is wrong. */
export function readOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Options | null {
  const values = parse(argv);
  if (values.help) return null;
  const number = (name: string, value: string, least: number, most: number, whole = true): number => {
    const read = value.trim() === '' ? Number.NaN : Number(value);
    if (!Number.isFinite(read) || read < least || read > most || (whole && !Number.isInteger(read)))
      throw new Problem(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not "${value}"`);
    return read;
  };
  const url = (name: string, value: string): string => {
    if (!/^https?:\/\/[^\s?#]+$/.test(value) || !URL.canParse(value))
      throw new Problem(`--${name} must be a URL like http://127.0.0.1:4001, not "${value}"`);
    return value.replace(/\/+$/, '');
  };
  const base = number('port-base', values['port-base'] ?? environment['PORT_BASE'] ?? '4000', 1_024, 60_000);
  const devices = number('devices', values.devices, 1, 100_000);
  if (values['no-analytics'] && values.analytics !== undefined)
    throw new Problem('--analytics and --no-analytics do not go together');
  return {
    devices,
    // Odd tokens keep their oddity for half an hour.
    seconds: number('seconds', values.seconds, 1, 1_200),
    allotted: allot(readMix(values.mix), devices),
    gateway: readGateway(values.gateway ?? `127.0.0.1:${base + 88}`),
    identity: url('identity', values.identity ?? `http://127.0.0.1:${base + 1}`),
    analytics: values['no-analytics']
      ? undefined
      : url('analytics', values.analytics ?? `http://127.0.0.1:${base + 6}`),
    operator: {
      email: environment['OPERATOR_EMAIL'] ?? 'operator@ballast.test',
      password: environment['OPERATOR_PASSWORD'] ?? 'ballast-operator',
    },
    rate: number('rate', values.rate, 0, 1_000, false),
    connectRate: number('connect-rate', values['connect-rate'], 1, 100_000),
    unknown: number('unknown', values.unknown, 1, 100_000),
    authDeadline: number('auth-deadline', values['auth-deadline'], 0.1, 60, false),
    // What is waited for, in order to say that it was late, is waited for no longer than ten seconds.
    patience: number('patience', values.patience, 0.1, 10, false),
    seed: number('seed', values.seed, 0, 2 ** 32 - 1),
    threads:
      values.threads === undefined ? Math.max(2, availableParallelism()) : number('threads', values.threads, 1, 64),
    join: {
      ...readJoin(values.join),
      port: number('join-port', values['join-port'] ?? String(base + 89), 1, 65_535),
    },
    report: values.report,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: definitions }).values;
  } catch (error) {
    // Its messages name the option.
    throw new Problem((error instanceof Error ? error.message : String(error)).replaceAll('\n', ' '));
  }
}

function readGateway(value: string): Options['gateway'] {
  const [, host, portText] = /^(?:\[?([^\s/[\]]+)\]?):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(portText);
  if (host === undefined || port < 1 || port > 65_535)
    throw new Problem(`--gateway must be host:port like 127.0.0.1:4088, not "${value}"`);
  return { host, port };
}

function readJoin(value: string): { process: number; processes: number } {
  const [process = 0, processes = 0] = (/^(\d{1,2})-of-(\d{1,2})$/.exec(value) ?? []).slice(1).map(Number);
  if (process < 1 || process > processes)
    throw new Problem(`--join must be like 1-of-3, 2-of-3 and 3-of-3, not "${value}"`);
  return { process, processes };
}
