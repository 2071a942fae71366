/** RabbitMQ's own control program (rabbitmqctl): close connections, raise the memory alarm. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BrokerProgram } from '../config.ts';

const run = promisify(execFile);

export interface BrokerControl {
  closeConnections(): Promise<void>;
  /** From now on the broker takes no more messages: it has as good as no memory left. */
  raiseAlarm(): Promise<void>;
  endAlarm(): Promise<void>;
  /** Whether it is out of memory, raised here or not. */
  hasAlarm(): Promise<boolean>;
}

/** The lowest there is: with it the alarm is on. */
const alarmWatermark = ['0.0001'];
/** What the lab and Compose configure. */
const ordinaryWatermark = ['absolute', '512MB'];

/** Starting Erlang takes a second or two, and on a busy machine several times as long. */
const timeoutMs = 30_000;

export function createBrokerControl({ command, args, environment }: BrokerProgram): BrokerControl {
  let latest: Promise<unknown> = Promise.resolve();
  /** One at a time: each costs about a second of processor time. */
  const control = (...more: string[]): Promise<string> => {
    const mine = Promise.allSettled([latest]).then(() => start(more));
    latest = mine;
    return mine;
  };
  const start = async (more: readonly string[]): Promise<string> => {
    try {
      const { stdout } = await run(command, [...args, ...more], {
        env: environment,
        timeout: timeoutMs,
        maxBuffer: 4 * 1024 * 1024,
      });
      return stdout;
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      const said = stderr?.trim().split('\n').slice(0, 3).join(' ').slice(0, 300);
      throw new Error(`rabbitmqctl ${more[0]} failed${said === undefined || said === '' ? '' : `: ${said}`}`, {
        cause: error,
      });
    }
  };
  return {
    closeConnections: async () => void (await control('close_all_connections', '--global', 'the chaos controller')),
    raiseAlarm: async () => void (await control('set_vm_memory_high_watermark', ...alarmWatermark)),
    endAlarm: async () => void (await control('set_vm_memory_high_watermark', ...ordinaryWatermark)),
    hasAlarm: async () => (await control('eval', 'rabbit_alarm:get_alarms().')).includes('resource_limit,memory'),
  };
}
