/** Devices that come, send, leave and come again, and strangers that say something wrong; nobody of them hurries. */
import { answered, authLine, Device } from '../../guarantees/gateway/device.ts';
import { rest, type Acting } from './customer.ts';

const fleet = 12;
/** Between what a device does while it is connected, and until it comes again, in ms. */
const actsMs = [200, 1_500] as const;
const comesMs = [300, 2_000] as const;
const strangersMs = [300, 1_000] as const;
/** Of what a device does: hanging up. The gateway takes sixty good tokens of a device a minute. */
const leavesShare = 0.1;
/** A good token may be answered with these where the gateway has too much to do, or was held up itself. */
const excused = new Set(['accepted', 'gone', 'over_capacity', 'auth_timeout']);

export class Devices {
  readonly #port: number;
  readonly #tokens: readonly string[];
  readonly #acting: Acting;
  readonly violations: string[] = [];

  private constructor(port: number, tokens: readonly string[], acting: Acting) {
    this.#port = port;
    this.#tokens = tokens;
    this.#acting = acting;
  }

  /** Makes the fleet known to identity. Throws where that fails: the mesh is whole by then. */
  static async open(
    urls: { identityUrl: string; devicesUrl: string },
    operator: { email: string; password: string },
    acting: Acting,
  ): Promise<Devices> {
    const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<unknown> => {
      const answer = await fetch(`${urls.identityUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      if (!answer.ok) throw new Error(`identity answered ${answer.status} to ${path}: ${await answer.text()}`);
      return answer.json();
    };
    const { accessToken } = (await post('/login', operator)) as { accessToken: string };
    const authorization = `Bearer ${accessToken}`;
    const tokens: string[] = [];
    for (let index = 1; index <= fleet; index += 1) {
      const made = (await post('/devices', { deviceId: `campaign-${index}` }, { authorization })) as { token: string };
      tokens.push(made.token);
    }
    return new Devices(Number(new URL(urls.devicesUrl).port), tokens, acting);
  }

  async run(): Promise<void> {
    await Promise.all([...this.#tokens.map((token) => this.#live(token)), this.#strangers()]);
  }

  /** One device, again and again. */
  async #live(token: string): Promise<void> {
    const { signal, chance, tally } = this.#acting;
    while (!signal.aborted) {
      const device = this.#say(authLine(token));
      const outcome = await this.#outcomeOf(device);
      tally.count(outcome);
      if (!excused.has(outcome)) this.violations.push(`devices: a good token was answered with ${outcome}`);
      while (device.isOpen && !signal.aborted) {
        device.send(1 + chance.below(3));
        await rest(chance.between(...actsMs), signal);
        if (chance.hit(leavesShare)) break;
      }
      tally.count(device.isOpen ? 'left' : 'lost');
      device.leave();
      await rest(chance.between(...comesMs), signal);
    }
  }

  async #strangers(): Promise<void> {
    const { signal, chance, tally } = this.#acting;
    while (!signal.aborted) {
      await rest(chance.between(...strangersMs), signal);
      const device = this.#say('hello\n');
      const outcome = await this.#outcomeOf(device);
      tally.count(outcome);
      if (outcome === 'accepted') this.violations.push('devices: a stranger was let in');
      device.leave();
    }
  }

  #say(line: string): Device {
    this.#acting.tally.count('requests');
    return new Device(this.#port, line);
  }

  /** A gateway that is frozen for too long says nothing: that is as good as gone. */
  #outcomeOf(device: Device): Promise<string> {
    return answered('a device', device.outcome).catch(() => 'gone');
  }
}
