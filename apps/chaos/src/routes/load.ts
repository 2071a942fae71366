/** The load of orders: how it is set, and how it goes. For operators. */
import { Load, LoadState } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { LoadGenerator } from '../load/load.ts';
import type { ChaosState } from '../state.ts';

export function loadRoutes(
  scope: HttpServer,
  parts: { load: LoadGenerator | null; state: ChaosState; onSet: (load: Load) => void },
): void {
  const { load, state, onSet } = parts;
  const tags = ['load'];
  scope.get('/load', { schema: { tags, response: { 200: LoadState, ...problemResponses } } }, async () =>
    load === null ? state.get('load') : load.state(),
  );
  scope.put(
    '/load',
    { schema: { tags, body: Load, response: { 200: LoadState, ...problemResponses } } },
    async (request) => {
      if (load === null) throw new ProblemError('conflict', 'There is no bff to load: BFF_URL is not set.');
      const now = load.set(request.body);
      onSet(request.body);
      return now;
    },
  );
}
