/** How fresh what is shown is: what became of the last question of every panel, and what that says of the page. Pure. */
import type { PanelData } from '@ballast/contracts';
import { ApiError, sentenceOf } from '../api/errors.ts';
import { formatClock, formatDuration, plural } from '../format/time.ts';

/**
 * - `connecting`   nothing has been answered yet
 * - `live`         answers come
 * - `stale`        nothing new has come for a while, and nobody has said why
 * - `prometheus`   the bff answers, but has no answer from Prometheus
 * - `absent`       this mesh runs without Prometheus
 * - `unreachable`  the bff itself does not answer
 * - `failed`       it answers, but with another error
 * - `refused`      this visitor may not see it
 * - `paused`       the visitor wants nothing new
 */
export type FreshnessState =
  | 'connecting'
  | 'live'
  | 'stale'
  | 'prometheus'
  | 'absent'
  | 'unreachable'
  | 'failed'
  | 'refused'
  | 'paused';

/** Why a question was not answered. */
export type Failure = {
  reason: 'prometheus' | 'absent' | 'unreachable' | 'refused' | 'other';
  /** For a person. */
  sentence: string;
  /** Milliseconds the bff asked to be left alone; 0 where it did not. */
  restMilliseconds: number;
};

/** What is known of one panel. Times are milliseconds of the page's own clock. */
export type PanelRecord = {
  data: PanelData | null;
  answeredAt: number | null;
  /** Why the last question was not answered; null where it was. */
  failure: Failure | null;
};

export const nothingKnown: PanelRecord = { data: null, answeredAt: null, failure: null };

export function recordAnswer(data: PanelData, at: number): PanelRecord {
  return { data, answeredAt: at, failure: null };
}

/** What was known stays: its age is told. */
export function recordFailure(record: PanelRecord, failure: Failure): PanelRecord {
  return { ...record, failure };
}

/** What a failed question means. */
export function failureOf(error: unknown): Failure {
  const sentence = sentenceOf(error);
  if (!(error instanceof ApiError)) return { reason: 'other', sentence, restMilliseconds: 0 };
  const { kind, status, code, retryAfterSeconds } = error.details;
  const restMilliseconds = (retryAfterSeconds ?? 0) * 1_000;
  if (kind === 'unreachable' || kind === 'timeout') return { reason: 'unreachable', sentence, restMilliseconds };
  if (status === 401 || status === 403) return { reason: 'refused', sentence, restMilliseconds: longRest };
  if (code === 'not-configured') return { reason: 'absent', sentence, restMilliseconds: longRest };
  if (status >= 502 && status <= 504) return { reason: 'prometheus', sentence, restMilliseconds };
  return { reason: 'other', sentence, restMilliseconds };
}

/** Who may not see it will hardly be allowed to within a minute, and what is not there will hardly come. */
const longRest = 60_000;

/** Milliseconds between two questions of a panel. */
export const refreshMilliseconds = 5_000;

/** Milliseconds without any answer after which nobody calls it live: three questions missed. */
export const staleAfterMilliseconds = 3 * refreshMilliseconds;

export type Freshness = {
  state: FreshnessState;
  /** When anything was answered last; null before the first time. */
  answeredAt: number | null;
  /** Panels whose last question was not answered. */
  unanswered: number;
  /** For a person, where the last question failed in a way that has no state of its own; else empty. */
  why: string;
};

/** The page's freshness. `list` is what is known of the list of panels: it is asked first, and only until it is there. */
export function freshnessOf(
  panels: readonly PanelRecord[],
  { listFailure, paused, now }: { listFailure: Failure | null; paused: boolean; now: number },
): Freshness {
  const answers = panels.flatMap(({ answeredAt }) => (answeredAt === null ? [] : [answeredAt]));
  const answeredAt = answers.length === 0 ? null : Math.max(...answers);
  const failures = [listFailure, ...panels.map(({ failure }) => failure)].filter((failure) => failure !== null);
  const told = (state: FreshnessState, why = ''): Freshness => ({
    state,
    answeredAt,
    unanswered: panels.filter(({ failure }) => failure !== null).length,
    why,
  });

  for (const reason of ['refused', 'absent'] as const)
    if (failures.some((failure) => failure.reason === reason)) return told(reason);
  if (paused && answeredAt !== null) return told('paused');
  const isAnswered = panels.some(({ data, failure }) => data !== null && failure === null);
  if (!isAnswered) {
    if (failures.length === 0) return told('connecting');
    const other = failures.find(({ reason }) => reason === 'other');
    if (other !== undefined) return told('failed', other.sentence);
    // One answer without Prometheus' is still an answer of the bff.
    return told(failures.some(({ reason }) => reason === 'prometheus') ? 'prometheus' : 'unreachable');
  }
  return told(answeredAt !== null && now - answeredAt < staleAfterMilliseconds ? 'live' : 'stale');
}

/** The state in a word or two. */
export const freshnessWords: Record<FreshnessState, string> = {
  connecting: 'Connecting…',
  live: 'Live',
  stale: 'Stale',
  prometheus: 'Prometheus does not answer',
  absent: 'No Prometheus here',
  unreachable: 'The shop does not answer',
  failed: 'No answer',
  refused: 'For operators only',
  paused: 'Paused',
};

/** What there is to say beside the word: since when, and what happens next. */
export function freshnessDetail({ state, answeredAt, unanswered, why }: Freshness, now: number): string {
  const parts: string[] = [];
  if (why !== '') parts.push(why.replace(/\.$/, ''));
  if (state === 'live') {
    parts.push(unanswered === 0 ? 'new every 5 s' : `${plural(unanswered, 'panel')} without an answer`);
  } else if (answeredAt !== null && state !== 'refused' && state !== 'absent') {
    const at = formatClock(new Date(answeredAt).toISOString());
    if (state === 'paused') parts.push(`what you see is from ${at}`);
    else parts.push(`nothing new since ${at}, for ${wholeSeconds(now - answeredAt)}`);
  }
  if (isOld(state)) parts.push('asked again every 5 s');
  return parts.join('; ');
}

function wholeSeconds(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000);
}

/** Whether what is shown is older than it looks, so that it is greyed: a pause is the visitor's own wish. */
export function isOld(state: FreshnessState): boolean {
  return ['stale', 'prometheus', 'unreachable', 'failed'].includes(state);
}

/** Whether a panel has fallen behind the others. */
export function isBehind({ data, answeredAt, failure }: PanelRecord, now: number): boolean {
  if (data === null || answeredAt === null) return false;
  return failure !== null || now - answeredAt >= staleAfterMilliseconds;
}
