/** The chaos controller and the auditor, as an operator asks them. All faults and the load of orders go through here. */
import {
  ExperimentState,
  Faults,
  FaultTargets,
  LoadState,
  Verdicts,
  type Experiment,
  type Fault,
  type Load,
} from '@ballast/contracts';
import { Compile } from 'typebox/compile';
import { Agent, request } from 'undici';

export interface Controller {
  targets(): Promise<FaultTargets>;
  /** Begins it; throws with the controller's reason where it is not taken. */
  run(experiment: Experiment): Promise<void>;
  state(): Promise<ExperimentState>;
  faults(): Promise<readonly Fault[]>;
  healAll(): Promise<readonly Fault[]>;
  setLoad(load: Load): Promise<LoadState>;
  load(): Promise<LoadState>;
  verdicts(): Promise<Verdicts>;
  close(): Promise<void>;
}

const timeoutMs = 10_000;
/** Access tokens are renewed when so much of their life is over. */
const renewAtShare = 0.5;

const checks = {
  targets: Compile(FaultTargets),
  state: Compile(ExperimentState),
  faults: Compile(Faults),
  load: Compile(LoadState),
  verdicts: Compile(Verdicts),
};

/** Signs in at identity; every call rejects with a sentence that says who answered what. URLs are past all links. */
export async function openController(urls: {
  identity: string;
  chaos: string;
  auditor: string;
  operator: { email: string; password: string };
}): Promise<Controller> {
  const agent = new Agent({ connections: 8, connect: { timeout: 2_000 } });
  let token = '';
  let renewAt = 0;

  const send = async (url: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', body?: unknown): Promise<unknown> => {
    const response = await request(url, {
      dispatcher: agent,
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    const text = await response.body.text();
    if (response.statusCode >= 400)
      throw new Error(`${method} ${url} answered ${response.statusCode}: ${text.slice(0, 500)}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
  const signIn = async (): Promise<void> => {
    token = '';
    const pair = (await send(`${urls.identity}/login`, 'POST', urls.operator)) as {
      accessToken: string;
      expiresIn: number;
    };
    token = pair.accessToken;
    renewAt = Date.now() + pair.expiresIn * 1_000 * renewAtShare;
  };
  await signIn();

  const ask = async <Answer>(
    check: { Check(value: unknown): boolean },
    url: string,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' = 'GET',
    body?: unknown,
  ): Promise<Answer> => {
    if (Date.now() > renewAt) await renew();
    const answer = await send(url, method, body);
    if (!check.Check(answer)) throw new Error(`${method} ${url} answered what is not in the contract`);
    return answer as Answer;
  };
  /** While identity is away the old token is still good. */
  const renew = async (): Promise<void> => {
    const old = token;
    try {
      await signIn();
    } catch {
      token = old;
    }
  };

  const { chaos, auditor } = urls;
  return {
    targets: () => ask<FaultTargets>(checks.targets, `${chaos}/targets`),
    run: async (experiment) =>
      void (await ask<ExperimentState>(checks.state, `${chaos}/experiment`, 'POST', experiment)),
    state: () => ask<ExperimentState>(checks.state, `${chaos}/experiment`),
    faults: async () => (await ask<Faults>(checks.faults, `${chaos}/faults`)).items,
    healAll: async () => (await ask<Faults>(checks.faults, `${chaos}/faults`, 'DELETE')).items,
    setLoad: (load) => ask<LoadState>(checks.load, `${chaos}/load`, 'PUT', load),
    load: () => ask<LoadState>(checks.load, `${chaos}/load`),
    verdicts: () => ask<Verdicts>(checks.verdicts, `${auditor}/verdicts`),
    close: () => agent.destroy(),
  };
}
