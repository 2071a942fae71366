/** How live the page is: a pure reducer over what happens to its stream, and the rules for trying again. */

/**
 * - `connecting`    the stream is being opened for the first time
 * - `waiting`       it is open, its snapshot has not come yet
 * - `live`          everything arrives as it happens
 * - `reconnecting`  it broke off or fell silent, and is being opened again
 * - `refused`       this visitor may not have it, or it does not exist here
 */
export type LinkState = 'connecting' | 'waiting' | 'live' | 'reconnecting' | 'refused';

export type Connection = {
  state: LinkState;
  /** When anything was heard last, in milliseconds of the page's own clock; null before the first. */
  heardAt: number | null;
  /** When it is tried again; null while nothing is waited for. */
  retryAt: number | null;
  /** Tries since it was live last. */
  attempt: number;
  /** Why it is not live, for a person; empty while it is. */
  why: string;
  /** The status it was refused with; 0 otherwise. */
  status: number;
};

export const notConnected: Connection = {
  state: 'connecting',
  heardAt: null,
  retryAt: null,
  attempt: 0,
  why: '',
  status: 0,
};

export type ConnectionAction =
  | { type: 'opening' }
  | { type: 'opened'; at: number }
  /** Bytes arrived; `event` where they were more than a sign of life. */
  | { type: 'heard'; at: number; event: boolean }
  | { type: 'broken'; why: string; retryAt: number }
  | { type: 'refused'; status: number };

/** The next state. What was once live is never shown as connecting or waiting again. */
export function reduceConnection(now: Connection, action: ConnectionAction): Connection {
  const wasLive = now.state === 'live' || now.state === 'reconnecting';
  switch (action.type) {
    case 'opening':
      return { ...now, state: wasLive ? 'reconnecting' : 'connecting', retryAt: null };
    case 'opened':
      return { ...now, state: wasLive ? 'reconnecting' : 'waiting', heardAt: action.at, retryAt: null };
    case 'heard':
      return action.event
        ? { state: 'live', heardAt: action.at, retryAt: null, attempt: 0, why: '', status: 0 }
        : { ...now, heardAt: action.at };
    case 'broken':
      return {
        ...now,
        state: wasLive ? 'reconnecting' : 'connecting',
        retryAt: action.retryAt,
        attempt: now.attempt + 1,
        why: action.why,
      };
    case 'refused':
      return { ...now, state: 'refused', retryAt: null, status: action.status };
    default:
      return action satisfies never;
  }
}

/** Milliseconds of silence after which a stream counts as broken: it says something every second. */
export const longestSilence = 3_000;

const firstPause = 500;
const longestPause = 15_000;

/**
 * Milliseconds to wait before the next try. `attempt` counts from 0, `random` is from 0 to 1: half of the pause is
 * jitter, so that all the pages of a mesh that comes back do not arrive at once.
 */
export function pauseBefore(attempt: number, random: number): number {
  const pause = Math.min(firstPause * 2 ** Math.min(attempt, 10), longestPause);
  return Math.round(pause * (0.5 + random / 2));
}

/** The connection in words. */
export const connectionWords: Record<LinkState, string> = {
  connecting: 'Connecting…',
  waiting: 'Waiting for snapshot…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  refused: 'Refused',
};

/** How old what is shown is, in whole seconds, and when it is tried again. `now` by the page's own clock. */
export function connectionDetail(connection: Connection, now: number): string {
  if (connection.state === 'live') return '';
  const parts: string[] = [];
  if (connection.why !== '') parts.push(connection.why);
  if (connection.state === 'reconnecting' && connection.heardAt !== null) {
    const age = Math.max(0, Math.round((now - connection.heardAt) / 1000));
    parts.push(`what you see is ${age} s old`);
  }
  if (connection.retryAt !== null) {
    const wait = Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
    parts.push(wait === 0 ? 'trying again now' : `trying again in ${wait} s`);
  }
  return parts.join('; ');
}
