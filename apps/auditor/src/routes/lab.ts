/** What the lab tells the auditor: whether faults are active, and which damage is known. */
import { Acknowledge, Acknowledged, FaultWindow } from '@ballast/contracts';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import type { Board } from '../domain/board.ts';
import type { FaultWindowKeeper } from '../fault-window.ts';

/** `keep` makes what the board knows last beyond this process. */
export function labRoutes(
  lab: HttpServer,
  { board, window, keep }: { board: Board; window: FaultWindowKeeper; keep: () => Promise<void> },
): void {
  lab.put(
    '/fault-window',
    { schema: { body: FaultWindow, response: { 204: Type.Null(), ...problemResponses } } },
    async (request, reply) => {
      window.tell(request.body);
      return reply.code(204).send(null);
    },
  );

  lab.post(
    '/acknowledge',
    { schema: { body: Acknowledge, response: { 200: Acknowledged, ...problemResponses } } },
    async (request) => {
      const { invariant, placed } = request.body;
      if (invariant !== undefined && !board.verdicts().some((judged) => judged.invariant === invariant))
        throw new ProblemError('not-found', `Invariant ${invariant} is not judged here.`, { field: 'invariant' });
      const acknowledge = async (...known: Parameters<Board['acknowledge']>): Promise<Acknowledged> => {
        const answer = board.acknowledge(...known);
        await keep();
        return answer;
      };
      if (placed === undefined) return await acknowledge(invariant);
      const window = { from: Date.parse(placed.from), to: Date.parse(placed.to) };
      if (window.to < window.from)
        throw new ProblemError('invalid-input', 'The window ends before it begins.', { field: 'placed.to' });
      return await acknowledge(invariant, window);
    },
  );
}
