/** The saga's definition, from checkout: asked for until it is had, and again now and then, since checkout may be renewed. */
import { SagaDiagram } from '@ballast/contracts';
import { Compile } from 'typebox/compile';
import type { Instance } from '../config.ts';
import { rulesOf, type Rules } from '../domain/saga-log.ts';
import { reasonOf, type Get } from './http.ts';

const check = Compile(SagaDiagram);
const refreshEveryMs = 60_000;
const retryEveryMs = 2_000;

export interface Definition {
  /** The rules as they were heard last, null before the first time; and why they could not be asked for just now. */
  get(): Promise<{ rules: Rules | null; problem: string | null }>;
}

export function createDefinition(instances: readonly Instance[], get: Get): Definition {
  const checkouts = instances.filter(({ service }) => service === 'checkout');
  let rules: Rules | null = null;
  let problem: string | null = checkouts.length === 0 ? 'there is no checkout to ask' : null;
  let askAt = 0;
  let turn = 0;

  const ask = async ({ url }: Instance): Promise<Rules> => {
    const answer = await get(`${url}/sagas/place-order`);
    if (answer.status !== 200) throw new Error(`checkout answered ${answer.status}`);
    const diagram: unknown = JSON.parse(answer.text);
    if (!check.Check(diagram)) throw new Error('checkout answered something that is no definition');
    return rulesOf(diagram);
  };

  return {
    get: async () => {
      const replica = checkouts[turn % checkouts.length];
      if (replica === undefined || performance.now() < askAt) return { rules, problem };
      turn += 1;
      askAt = performance.now() + retryEveryMs;
      try {
        rules = await ask(replica);
        problem = null;
        askAt = performance.now() + refreshEveryMs;
      } catch (error) {
        // The other replica is asked next.
        problem = `the saga’s definition cannot be had: ${reasonOf(error)}`;
      }
      return { rules, problem };
    },
  };
}
