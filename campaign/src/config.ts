/** What a campaign is told on its command line. */
import { parseArgs } from 'node:util';

export interface CampaignOptions {
  orders: number;
  concurrency: number;
  /** One kill every so many seconds; 0 for none. */
  killEvery: number;
  /** Services to kill, by app name. */
  targets: string[];
  /** Share of orders paid with a card that is declined. */
  declined: number;
  seed: number;
  portBase: number;
  /** Checks these guarantees by themselves instead: numbers, names, or `all`. */
  guarantees: string | undefined;
  /** Length of a run with faults of all kinds, drawn from the seed, in minutes. */
  minutes: number | undefined;
  /** File with an experiment that is run in place of a drawn one. */
  experiment: string | undefined;
  /** File that the report of such a run is written to, as JSON. */
  report: string | undefined;
  /** Leaves logs and data of such a run where they are. */
  keep: boolean;
}

export const usage = `npm run campaign -- [--orders 500] [--concurrency 20] [--kill-every 3] [--targets checkout,catalog,payments]
                    [--declined 0.33] [--seed 1] [--port-base 7100]
npm run campaign -- --minutes 5 [--seed 1] [--report FILE] [--keep] [--port-base 7100]
npm run campaign -- --experiment FILE [--report FILE] [--keep] [--port-base 7100]
npm run campaign -- --guarantees all|4,5,…|cache,webhooks,…

With --minutes it breaks a mesh of its own in every way there is, drawn from the seed, while customers order, complain,
browse and webhooks come; with --experiment it does what the file says, as exported from /chaos. It judges rows, what
clients were told, and the auditor's verdicts. Without either it places orders while services are killed at random,
waits until every order has ended, and judges stock, money and messages from rows. With --guarantees it checks those
by themselves, in the sizes they are promised for. Exit 1 on any violation.`;

/** Reads the arguments; null when help is wanted. Throws a sentence naming the option that is wrong. */
export function readOptions(argv: readonly string[]): CampaignOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      orders: { type: 'string', default: '500' },
      concurrency: { type: 'string', default: '20' },
      'kill-every': { type: 'string', default: '3' },
      targets: { type: 'string', default: 'checkout,catalog,payments' },
      declined: { type: 'string', default: '0.33' },
      seed: { type: 'string', default: '1' },
      'port-base': { type: 'string', default: '7100' },
      guarantees: { type: 'string' },
      minutes: { type: 'string' },
      experiment: { type: 'string' },
      report: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const number = (
    name: 'orders' | 'concurrency' | 'kill-every' | 'declined' | 'seed' | 'port-base' | 'minutes',
    least: number,
    most: number,
  ): number => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < least || value > most)
      throw new TypeError(`--${name} must be a number from ${least} to ${most}`);
    return value;
  };
  const targets = values.targets.split(',');
  const unknown = targets.find(
    (target) => !['bff', 'identity', 'catalog', 'payments', 'checkout'].includes(target.replace(/-\d$/, '')),
  );
  if (unknown !== undefined) throw new TypeError(`--targets: there is no service "${unknown}"`);
  return {
    orders: number('orders', 1, 100_000),
    concurrency: number('concurrency', 1, 500),
    killEvery: number('kill-every', 0, 600),
    targets,
    declined: number('declined', 0, 1),
    seed: number('seed', 0, 2 ** 32 - 1),
    portBase: number('port-base', 1024, 60_000),
    guarantees: values.guarantees,
    // A schedule of less than ten seconds has no time to break anything; one of an hour is the most an experiment holds.
    minutes: values.minutes === undefined ? undefined : number('minutes', 1 / 6, 60),
    experiment: values.experiment,
    report: values.report,
    keep: values.keep,
  };
}

/** The lab's own settings, with every service leasing its login and leases short enough to change during a run. */
export function leasingLab(): NodeJS.ProcessEnv {
  return { ...process.env, LEASED_SERVICES: 'all', VAULT_LEASE_SECONDS: '60' };
}

/** Checks find their parts where tests find them: in TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_REDIS_URL. */
export function useParts(environment: Readonly<Record<string, string>>): void {
  Object.assign(process.env, environment);
}
