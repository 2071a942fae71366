/**
 * Logins that Vault lends against those that processes use. A login must go once nobody uses it: its process has given it
 * up, or its time is over. One that its process has died with lives on until its lease ends; nobody can give that back.
 */
import type { Offence } from './board.ts';

/** A process, and the logins it uses now. */
export interface Holder {
  service: string;
  /** One life of one process. */
  life: string;
  logins: readonly string[];
  /** Logins it wants to give back and cannot: Vault is away or sealed. */
  notRevoked: number;
}

/** A login as PostgreSQL has it; `past_ms` is how long ago its time was over. */
export interface Login {
  name: string;
  service: string;
  past_ms: number;
}

/** Per service one login may be there that nobody uses: it is just being fetched, or given back. */
const spare = 1;
const givenUpFor = { lasts: 15_000, afterHeal: 60_000 };
/** Vault ends leases a little after their time. */
const pastMs = 30_000;

export interface LoginJudge {
  /** `holders` are the processes that could be asked. */
  judge(logins: readonly Login[], holders: readonly Holder[]): Offence[];
}

const mostRemembered = 5_000;

export function createLoginJudge(): LoginJudge {
  /** Who used a login last. */
  const users = new Map<string, string>();

  return {
    judge: (logins, holders) => {
      for (const { life, logins: held } of holders) {
        for (const name of held) if (users.has(name) || users.size < mostRemembered) users.set(name, life);
      }
      const there = new Set(logins.map(({ name }) => name));
      for (const name of users.keys()) if (!there.has(name)) users.delete(name);
      const used = new Set(holders.flatMap(({ logins: held }) => held));
      const lives = new Set(holders.map(({ life }) => life));

      const outlived = logins
        .filter(({ past_ms: past }) => past > pastMs)
        .map(({ name, past_ms: past }): Offence => {
          const why = `login ${name} should have gone ${Math.round(past / 1_000)} s ago`;
          return { id: name, key: `${name} outlived`, why, lasts: 0, afterHeal: 60_000 };
        });
      const givenUp = [...Map.groupBy(logins, ({ service }) => service)].flatMap(([service, lent]) => {
        const left = lent.filter(({ name }) => !used.has(name) && lives.has(users.get(name) ?? ''));
        const owed = holders.filter((holder) => holder.service === service);
        const allowed = spare + owed.reduce((sum, { notRevoked }) => sum + notRevoked, 0);
        if (left.length <= allowed) return [];
        return left.map(({ name }): Offence => {
          const why = `login ${name} is not used by ${service} any more and still there`;
          return { id: name, key: `${name} given up`, why, ...givenUpFor };
        });
      });
      return [...outlived, ...givenUp];
    },
  };
}
