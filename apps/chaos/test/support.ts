/** What the controller's tests share: a controller in this process, an operator who calls it, and services to break. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Fault, type FaultRequest } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { freePort, spawnService, startApp, until, type RunningApp, type ServiceProcess } from '@ballast/testing';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { buildApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { fakeIdentity, operatorAccount, shopperAccount, type FakeIdentity } from './fake-identity.ts';

const main = fileURLToPath(new URL('fixtures/victim.ts', import.meta.url));

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** A victim whose process can be started again on its port, as a supervisor would. */
export interface Victim {
  name: string;
  url: string;
  process: ServiceProcess;
  restart(settings?: Record<string, string>): Promise<void>;
}

export interface Bench {
  identity: FakeIdentity;
  /** Starts a controller; without settings it knows of nothing but identity. */
  start(settings?: Record<string, string>): Promise<Controller>;
  victim(name: string, settings?: Record<string, string>): Promise<Victim>;
  close(): Promise<void>;
}

export interface Controller extends RunningApp {
  call(method: string, path: string, body?: unknown, token?: string | null): Promise<Answer>;
  /** Injects; the answer must be 201 and as the contract says. */
  inject(request: FaultRequest): Promise<Fault>;
  fault(id: string): Promise<Fault>;
  /** Waits until the fault is over and what it hurt works again. */
  healed(id: string): Promise<Fault>;
}

const faultCheck = Compile(Fault);

export async function openBench(): Promise<Bench> {
  configureFaults({ labMode: true, faults: '' });
  const identity = await fakeIdentity();
  const controllers: RunningApp[] = [];
  const victims = new Set<ServiceProcess>();

  const start = async (settings: Record<string, string> = {}): Promise<Controller> => {
    const config = readConfig({
      PORT: '0',
      INSTANCE: 'chaos',
      LAB_MODE: '1',
      IDENTITY_URL: identity.url,
      OPERATOR_EMAIL: operatorAccount.email,
      OPERATOR_PASSWORD: operatorAccount.password,
      SHOPPER_EMAIL: shopperAccount.email,
      SHOPPER_PASSWORD: shopperAccount.password,
      ...settings,
    });
    const app = await startApp({ name: 'chaos', config, build: buildApp });
    controllers.push(app);
    const operator = identity.token('operator');
    const call: Controller['call'] = async (method, path, body, token = operator) => {
      const response = await fetch(app.url + path, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
    };
    const fault = async (id: string): Promise<Fault> => expectBody(Fault, 200, await call('GET', `/faults/${id}`));
    return {
      ...app,
      call,
      inject: async (request) => expectBody(Fault, 201, await call('POST', '/faults', request)),
      fault,
      healed: (id) =>
        until(`fault ${id} to be healed`, async () => {
          const found = await fault(id);
          return found.state === 'healed' ? found : null;
        }),
    };
  };

  return {
    identity,
    start,
    victim: async (name, settings = {}) => {
      const port = String(await freePort());
      const spawn = async (more: Record<string, string>): Promise<ServiceProcess> => {
        const process = await spawnService(main, {
          INSTANCE: name,
          PORT: port,
          LAB_MODE: '1',
          IDENTITY_URL: identity.url,
          ...more,
        });
        victims.add(process);
        return process;
      };
      const victim: Victim = {
        name,
        url: `http://127.0.0.1:${port}`,
        process: await spawn(settings),
        restart: async (more = settings) => {
          await victim.process.ended;
          victim.process = await spawn(more);
        },
      };
      await victim.process.ready();
      return victim;
    },
    close: async () => {
      for (const app of controllers) await app.stop();
      for (const process of victims) await process.end('SIGKILL');
      await identity.close();
      configureFaults({ labMode: false, faults: '' });
    },
  };
}

/** The body as what the contract says, of an answer with that status. */
export function expectBody<Schema extends TSchema>(schema: Schema, status: number, answer: Answer): Static<Schema> {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.deepEqual([...Compile(schema).Errors(answer.body)], []);
  return answer.body as Static<Schema>;
}

/** Whether a value is a fault, as the contract says. */
export const isFault = (value: unknown): value is Fault => faultCheck.Check(value);

/** Status and `field` of a refusal. */
export function refusal({ status, body }: Answer): [number, string | undefined] {
  return [status, (body as { field?: string } | null)?.field];
}
