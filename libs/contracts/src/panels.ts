/**
 * The panels of the dashboards, as plain data: Grafana's dashboards are generated from them (infra/grafana), the bff asks
 * Prometheus for them by id, and the storefront draws them. Imports nothing, so that a browser and a script can both read it.
 */

/** How a panel is drawn: one big number, lines over time, or shares of a whole. */
export const panelKinds = ['stat', 'timeseries', 'pie'] as const;
export type PanelKind = (typeof panelKinds)[number];

/** `share` is from 0 to 1; `state` is a whole number that the panel's `states` name. */
export const panelUnits = ['count', 'perSecond', 'seconds', 'share', 'state'] as const;
export type PanelUnit = (typeof panelUnits)[number];

/** The dashboards. */
export const boardIds = ['devices', 'mesh'] as const;
export type BoardId = (typeof boardIds)[number];

/** One panel. */
export interface Panel {
  id: string;
  board: BoardId;
  title: string;
  kind: PanelKind;
  unit: PanelUnit;
  /** PromQL. Windows are fixed: twelve scrapes of 5 s. */
  expr: string;
  /** What a series is called; `{{label}}` stands for the value of that label. */
  legend: string;
  /** Names of the values 0, 1, 2, …, where the unit is `state`. */
  states?: readonly string[];
}

/** One dashboard; its panels are those of {@link panels} that name it, in their order. */
export interface Board {
  id: BoardId;
  title: string;
}

export const boards: readonly Board[] = [
  { id: 'devices', title: 'Device authentication' },
  { id: 'mesh', title: 'Mesh' },
];

const requests = 'http_requests_total{kind="request"}';
const failedRequests = 'http_requests_total{kind="request",status=~"5.."}';

const latency = (quantile: number): string =>
  `histogram_quantile(${quantile}, sum by (service, le) (rate(http_request_duration_seconds_bucket{kind="request"}[1m])))`;

/** A line of its own for each of several counters that have no label in common. */
const named = (outcome: string, counter: string): string =>
  `label_replace(sum(rate(${counter}[1m])), "outcome", "${outcome}", "", "")`;

/** Every panel there is. */
export const panels: readonly Panel[] = [
  {
    id: 'devices-connected',
    board: 'devices',
    title: 'Active connections',
    kind: 'stat',
    unit: 'count',
    expr: 'sum(active_connections_total)',
    legend: 'active',
  },
  {
    id: 'devices-attempts',
    board: 'devices',
    title: 'Authentication attempts',
    kind: 'stat',
    unit: 'count',
    expr: 'sum(auth_attempts_total)',
    legend: 'attempts',
  },
  {
    id: 'devices-accepted',
    board: 'devices',
    title: 'Devices let in',
    kind: 'stat',
    unit: 'count',
    expr: 'sum(auth_success_total)',
    legend: 'let in',
  },
  {
    id: 'devices-refused',
    board: 'devices',
    title: 'Devices refused',
    kind: 'stat',
    unit: 'count',
    expr: 'sum(auth_failures_total)',
    legend: 'refused',
  },
  {
    id: 'devices-connections',
    board: 'devices',
    title: 'Active connections over time',
    kind: 'timeseries',
    unit: 'count',
    expr: 'sum(active_connections_total)',
    legend: 'active',
  },
  {
    id: 'devices-outcomes',
    board: 'devices',
    title: 'Authentications a second',
    kind: 'timeseries',
    unit: 'perSecond',
    expr: `${named('let in', 'auth_success_total')} or ${named('refused', 'auth_failures_total')}`,
    legend: '{{outcome}}',
  },
  {
    id: 'devices-reasons',
    board: 'devices',
    title: 'Refused, by reason',
    kind: 'pie',
    unit: 'count',
    expr: 'sum by (reason) (auth_failures_total)',
    legend: '{{reason}}',
  },
  {
    id: 'mesh-instances',
    board: 'mesh',
    title: 'Instances that answer',
    kind: 'stat',
    unit: 'count',
    expr: 'sum(up{service!=""})',
    legend: 'answering',
  },
  {
    id: 'mesh-requests',
    board: 'mesh',
    title: 'Requests a second',
    kind: 'timeseries',
    unit: 'perSecond',
    expr: `sum by (service) (rate(${requests}[1m]))`,
    legend: '{{service}}',
  },
  {
    id: 'mesh-errors',
    board: 'mesh',
    title: 'Share of requests that failed (5xx)',
    kind: 'timeseries',
    unit: 'share',
    // A service that never failed has no series with a 5xx: what it did answer, times nothing, stands in for it.
    expr:
      `sum by (service) (rate(${failedRequests}[1m]) or 0 * rate(${requests}[1m]))` +
      ` / sum by (service) (rate(${requests}[1m]))`,
    legend: '{{service}}',
  },
  {
    id: 'mesh-p50',
    board: 'mesh',
    title: 'Duration of requests, p50',
    kind: 'timeseries',
    unit: 'seconds',
    expr: latency(0.5),
    legend: '{{service}}',
  },
  {
    id: 'mesh-p95',
    board: 'mesh',
    title: 'Duration of requests, p95',
    kind: 'timeseries',
    unit: 'seconds',
    expr: latency(0.95),
    legend: '{{service}}',
  },
  {
    id: 'mesh-breakers',
    board: 'mesh',
    title: 'Circuit breakers of the bff',
    kind: 'timeseries',
    unit: 'state',
    expr: 'max by (upstream) (bff_breaker_state)',
    legend: '{{upstream}}',
    states: ['closed', 'half-open', 'open'],
  },
  {
    id: 'mesh-outbox-rows',
    board: 'mesh',
    title: 'Messages waiting in the outbox',
    kind: 'timeseries',
    unit: 'count',
    // Replicas share a table: each of them reports all of it.
    expr: 'max by (service) (outbox_rows)',
    legend: '{{service}}',
  },
  {
    id: 'mesh-outbox-age',
    board: 'mesh',
    title: 'Oldest message in the outbox',
    kind: 'timeseries',
    unit: 'seconds',
    expr: 'max by (service) (outbox_oldest_seconds)',
    legend: '{{service}}',
  },
  {
    id: 'mesh-queues',
    board: 'mesh',
    title: 'Messages waiting in queues',
    kind: 'timeseries',
    unit: 'count',
    // Replicas share a queue, too.
    expr: 'max by (queue) (queue_messages)',
    legend: '{{queue}}',
  },
  {
    id: 'mesh-messages',
    board: 'mesh',
    title: 'Messages consumed a second',
    kind: 'timeseries',
    unit: 'perSecond',
    expr: 'sum by (queue, outcome) (rate(messages_consumed_total[1m]))',
    legend: '{{queue}} {{outcome}}',
  },
  {
    id: 'mesh-sagas',
    board: 'mesh',
    title: 'Orders a second, by how they end',
    kind: 'timeseries',
    unit: 'perSecond',
    expr: 'sum by (state) (rate(saga_states_entered_total{state=~"Completed|Compensated|RequiresReview"}[1m]))',
    legend: '{{state}}',
  },
  {
    id: 'mesh-cache',
    board: 'mesh',
    title: 'Cached reads a second, by who answered',
    kind: 'timeseries',
    unit: 'perSecond',
    expr: 'sum by (cache, answered_by) (rate(cache_reads_total[1m]))',
    legend: '{{cache}} from {{answered_by}}',
  },
  {
    id: 'mesh-invariants',
    board: 'mesh',
    title: 'Invariants, as the auditor finds them',
    kind: 'timeseries',
    unit: 'state',
    expr: 'max by (invariant, title) (auditor_invariant_state)',
    legend: '{{invariant}} {{title}}',
    states: ['holds', 'settling', 'violated', 'unknown'],
  },
];

/** What a series is called in a legend: labels put in their places, absent ones left empty. */
export function seriesName(legend: string, labels: Readonly<Record<string, string>>): string {
  const name = legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '').trim();
  return name === '' ? 'value' : name;
}
