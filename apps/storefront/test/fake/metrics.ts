/**
 * A Prometheus that is only played, as the bff tells of it. Test code. `up` has figures, `down` and `absent` answer as the
 * bff does without one, `empty` has measured nothing, `slow` never answers.
 */
import { boards, panelLimits, panels } from '@ballast/contracts';
import type { Panel, PanelData, PanelList } from '@ballast/contracts';

export const fakePrometheusStates = ['up', 'down', 'absent', 'empty', 'slow'] as const;
export type FakePrometheusState = (typeof fakePrometheusStates)[number];

/** The series each panel has, by their labels. */
function labelsOf({ id, legend }: Panel): Record<string, string>[] {
  const services = ['analytics', 'bff', 'catalog', 'checkout', 'claims', 'identity', 'payments', 'tcp-gateway'];
  if (id === 'mesh-invariants') {
    const titles = [
      'Every order ends',
      'No order is paid twice',
      'Stock is never below zero',
      'Every refund has a claim',
    ];
    return Array.from({ length: 12 }, (_, index) => ({
      invariant: String(index + 1),
      title: titles[index % titles.length]!,
    }));
  }
  if (id === 'mesh-messages') {
    const outcomes = ['done', 'duplicate', 'retried'];
    const queues = ['payments.commands', 'catalog.commands', 'checkout.replies', 'analytics.events'];
    return queues.flatMap((queue) => outcomes.map((outcome) => ({ queue, outcome })));
  }
  if (legend === '{{queue}}') return ['payments.commands', 'catalog.commands'].map((queue) => ({ queue }));
  if (id === 'mesh-sagas') return ['Compensated', 'Completed', 'RequiresReview'].map((state) => ({ state }));
  if (id === 'mesh-cache')
    return ['memory', 'redis', 'source'].map((answered_by) => ({ cache: 'products', answered_by }));
  if (id === 'mesh-breakers') return ['catalog', 'checkout', 'claims', 'payments'].map((upstream) => ({ upstream }));
  if (id === 'devices-outcomes') return [{ outcome: 'let in' }, { outcome: 'refused' }];
  if (id === 'devices-reasons') {
    const reasons = [
      'expired',
      'revoked',
      'bad_signature',
      'malformed',
      'unknown_key',
      'wrong_audience',
      'not_yet_valid',
    ];
    return [...reasons, 'algorithm', 'wrong_issuer', 'timeout', 'too_long'].map((reason) => ({ reason }));
  }
  return legend === '{{service}}' ? services.map((service) => ({ service })) : [{}];
}

/** A wave of its own for each series, steady from one question to the next. */
function valueAt({ id, kind, unit, states }: Panel, series: number, at: number): number | null {
  const wave = (Math.sin(at / (70 + 13 * series) + series) + 1) / 2;
  // One service was away for a while: a gap is a gap.
  if (unit !== 'state' && series === 2 && at % 900 > 500 && at % 900 < 620) return null;
  switch (unit) {
    case 'state': {
      if (id === 'mesh-breakers') return series === 1 ? Math.floor((at % 300) / 100) % states!.length : 0;
      return series === 3 && at % 600 < 120 ? 2 : series === 7 && at % 400 < 60 ? 1 : 0;
    }
    case 'count':
      if (kind === 'pie') return Math.round(1_800 / (series + 1) ** 1.6);
      if (id === 'devices-attempts') return Math.round(at / 10) % 100_000;
      if (id.startsWith('devices')) return Math.round(1_900 + 100 * wave);
      return Math.round(wave * 40 * (series + 1));
    case 'perSecond':
      return wave * 30 * (series + 1);
    case 'seconds':
      return 0.004 * (series + 1) ** 2 * (0.6 + wave);
    case 'share':
      return series === 1 ? 0.12 * wave : 0;
    default:
      return unit satisfies never;
  }
}

export function fakePanelList(): PanelList {
  return {
    boards: [...boards],
    panels: panels.map(({ states, ...panel }) => ({
      ...panel,
      ...(states === undefined ? {} : { states: [...states] }),
    })),
  };
}

/** The figures of a panel; null where there is no panel of this name. `now` is in milliseconds since the epoch. */
export function fakePanel(id: string, minutes: number, state: FakePrometheusState, now: number): PanelData | null {
  const panel = panels.find((known) => known.id === id);
  const view = fakePanelList().panels.find((known) => known.id === id);
  if (panel === undefined || view === undefined) return null;
  const step = Math.max(5, Math.ceil((minutes * 60) / (panelLimits.points - 1)));
  const to = Math.floor(now / 1_000 / step) * step;
  const from = to - Math.floor((minutes * 60) / step) * step;
  const series = (state === 'empty' ? [] : labelsOf(panel)).map((labels, index) => ({
    labels,
    points: Array.from({ length: (to - from) / step + 1 }, (_, point): [number, number | null] => {
      const at = from + point * step;
      return [at, valueAt(panel, index, at)];
    }),
  }));
  return { panel: view, from, to, step, series, omitted: id === 'mesh-messages' && state !== 'empty' ? 3 : 0 };
}

/** What the bff answers, with 503, where Prometheus has no answer and where there is none. */
export function fakeRefusal(state: FakePrometheusState): { retryAfter?: string; code: string; detail: string } | null {
  if (state === 'down') return { retryAfter: '5', code: 'unavailable', detail: 'Prometheus has no answer to this.' };
  return state === 'absent' ? { code: 'not-configured', detail: 'No Prometheus is configured.' } : null;
}
