/** What clients were told, and sessions: recent ones each second, and all of them in turn. */
import type { Queryable } from '@ballast/postgres';
import type { Board, Finding, Offence } from '../domain/board.ts';
import { lowest, lowestAt } from '../domain/uuid7.ts';
import { beforeAll, doubledRows, judgeAnswers, type AnswerPlace, type WrongAnswer } from '../store/answers.ts';
import { judgeFamilies, type WrongFamily } from '../store/sessions.ts';
import { plural, report } from './look.ts';

/** Answers and sessions that are new for so many seconds are looked at each time. */
const recentSeconds = 10;
/** Of the walk through all. */
const page = 500;
const mostAgain = 1_000;
const mostDoubles = 2_000;

/** Returns the look; call it every second. */
export function createAnswerLook(board: Board, database: Queryable, now: () => number): () => Promise<void> {
  let place: AnswerPlace = beforeAll;
  let again: WrongAnswer[] = [];
  /** Nothing removes these rows: found once, they are there. */
  const doubles = new Map<string, Offence>();

  return () =>
    report(
      board,
      'stored answers',
      [
        [7, 'answers'],
        [9, 'answers'],
      ],
      async () => {
        const found = await judgeAnswers(database, { recentSeconds, again, place, page });
        for (const { table, id, rows } of await doubledRows(database, lowestAt(now() - recentSeconds * 1_000)))
          if (doubles.size < mostDoubles)
            doubles.set(id, { id, why: `${table}: ${rows} rows came of the key of ${id}`, lasts: 0 });
        place = found.walked < page ? beforeAll : (found.place ?? beforeAll);
        again = found.wrong.slice(0, mostAgain);
        const missing = found.wrong
          .filter(({ fault }) => fault === 'missing')
          .map(({ order_id: orderId, key }): Offence => {
            const why =
              orderId === null
                ? `an answer of 2xx under the key ${key} names no order`
                : `order ${orderId}: a client was told of it, and it does not exist`;
            return { id: orderId ?? key, why, lasts: 0 };
          });
        const elsewhere = found.wrong
          .filter(({ fault }) => fault === 'other-key')
          .map(({ order_id: orderId, key }): Offence => {
            const why = `order ${orderId}: it was answered under the key ${key} and is stored under another`;
            return { id: orderId ?? key, why, lasts: 0 };
          });
        const detail = `${plural(found.answers, 'answer')} looked at`;
        const finding = (invariant: number, offences: readonly Offence[]): Finding => ({
          invariant,
          part: 'answers',
          detail,
          offences,
        });
        return [finding(7, missing), finding(9, [...elsewhere, ...doubles.values()])];
      },
    );
}

/** Returns the look; call it every second. */
export function createSessionLook(board: Board, database: Queryable, now: () => number): () => Promise<void> {
  let place = lowest;
  let again: WrongFamily[] = [];

  return () =>
    report(board, 'sessions', [[13, 'sessions']], async () => {
      const found = await judgeFamilies(database, {
        since: lowestAt(now() - recentSeconds * 1_000),
        usedSeconds: recentSeconds,
        again: again.map(({ family_id: id }) => id),
        place,
        page,
      });
      place = found.walked < page ? lowest : (found.place ?? lowest);
      again = found.wrong.slice(0, mostAgain);
      const offences = found.wrong.map(({ family_id: id, live, used_after_ms: after }): Offence => {
        const why =
          after === null
            ? `session ${id}: it goes on with ${plural(live, 'live token')}`
            : `session ${id}: a token of it was taken ${(after / 1_000).toFixed(1)} s after its end`;
        return { id, why, lasts: 0 };
      });
      return [{ invariant: 13, part: 'sessions', detail: `${plural(found.families, 'session')} looked at`, offences }];
    });
}
