/**
 * A mesh that is only played, for developing `/chaos` and for measuring how it draws: test code, never part of the shop.
 * What it tells has the contract's shape (fake-mesh.test.ts sees to that) and no other truth in it.
 */
import type {
  Fault,
  FaultRequest,
  FaultTargets,
  LiveLink,
  LiveNode,
  LiveSnapshot,
  LoadState,
  Move,
  OrderState,
  Verdicts,
  WireCall,
} from '@ballast/contracts';

const services = ['bff', 'identity', 'catalog-1', 'catalog-2', 'claims', 'payments', 'checkout-1', 'checkout-2'];
const parts = ['postgres', 'redis', 'rabbitmq', 'vault'];
const standIns = ['payment-provider'];

const links: [from: string, to: string][] = [
  ...['identity', 'catalog-1', 'catalog-2', 'claims', 'payments', 'checkout-1', 'checkout-2', 'redis', 'postgres'].map(
    (to): [string, string] => ['bff', to],
  ),
  ...['identity', 'catalog-1', 'catalog-2', 'claims', 'payments', 'checkout-1', 'checkout-2'].flatMap((from) =>
    ['postgres', 'vault', ...(from === 'identity' ? [] : ['rabbitmq', 'identity'])].map((to): [string, string] => [
      from,
      to,
    ]),
  ),
  ...['catalog-1', 'catalog-2', 'checkout-1', 'checkout-2'].map((from): [string, string] => [from, 'redis']),
  ...['checkout-1', 'checkout-2'].flatMap((from): [string, string][] => [
    [from, 'catalog-1'],
    [from, 'catalog-2'],
  ]),
  ['payments', 'payment-provider'],
  ['payment-provider', 'bff'],
];

const serviceOf = (name: string): string => name.replace(/-\d$/, '');

const way: OrderState[] = ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured', 'Completed'];
const wayBack: OrderState[] = ['Initiated', 'StockReserved', 'Compensating', 'Compensated'];

/** A played mesh at rest. `random` is from 0 to 1. */
export function createWorld(random: () => number = Math.random) {
  const startedAt = Date.now();
  let faults: Fault[] = [];
  let history: LiveSnapshot['phase']['history'] = [{ phase: 'STEADY', at: now() }];
  let under: { orderId: string; seq: number; path: OrderState[]; at: number }[] = [];
  let moves: Move[] = [];
  let ids = 0;
  const totals: Record<string, number> = {};
  const load: LoadState = {
    load: { ordersPerSecond: 0, declined: 0.2, readsPerSecond: 0 },
    sent: 0,
    accepted: 0,
    refused: 0,
    failed: 0,
    inFlight: 0,
    skipped: 0,
  };

  function now(): string {
    return new Date().toISOString();
  }
  function active(): Fault[] {
    return faults.filter(({ state }) => state === 'active');
  }
  function isHit(name: string): boolean {
    return active().some(({ nodes, request }) => request.kind !== 'link' && nodes.includes(name));
  }

  function nodes(): LiveNode[] {
    const rate = load.load.ordersPerSecond;
    const node = (name: string, kind: LiveNode['kind']): LiveNode => ({
      name,
      service: serviceOf(name),
      kind,
      state: isHit(name) ? (kind === 'service' ? 'unreachable' : 'not-ready') : 'ready',
      failing: Object.fromEntries(
        kind === 'service'
          ? active()
              .filter(({ links: hit }) => hit.some((key) => key.startsWith(`${name}>`)))
              .map(({ links: hit }) => [hit[0]?.split('>')[1] ?? 'part', 'connect ECONNREFUSED'])
          : [],
      ),
      uptime: (Date.now() - startedAt) / 1000,
      requests: kind === 'service' ? Math.round(3 + rate * (0.6 + random())) : 0,
      errors: active().length > 0 && name === 'bff' ? Math.round(random() * 4) : 0,
      p50: kind === 'service' ? 2 + random() * 4 : null,
      p95: kind === 'service' ? 9 + random() * 22 : null,
      memoryMegabytes: 90 + random() * 4,
      outbox: kind === 'service' && !['bff', 'identity'].includes(name) ? Math.round(random() * 3) : null,
    });
    return [
      ...services.map((name) => node(name, 'service')),
      ...parts.map((name) => node(name, 'part')),
      ...standIns.map((name) => node(name, 'stand-in')),
    ];
  }

  function liveLinks(): LiveLink[] {
    return links.map(([from, to]) => {
      const toxics = active()
        .filter(({ links: hit }) => hit.includes(`${from}>${to}`))
        .flatMap(({ request }) => (request.kind === 'link' ? [request.toxic] : []));
      return {
        from,
        to,
        bytesPerSecond: toxics.length > 0 ? 0 : Math.round(random() * 800 * (1 + load.load.ordersPerSecond * 4)),
        connections: 1 + Math.round(random() * 8),
        latency: random() < 0.1 ? null : 0.3 + random() * 6,
        breaker: from !== 'bff' || parts.includes(to) ? null : toxics.length > 0 ? 'open' : 'closed',
        toxics,
      };
    });
  }

  /** Lets time go by: `seconds` since the last time. Answers the moves made meanwhile. */
  function advance(seconds: number): Move[] {
    moves = [];
    const placed = load.load.ordersPerSecond * seconds;
    for (let count = Math.floor(placed + random()); count > 0; count -= 1) {
      ids += 1;
      load.sent += 1;
      load.accepted += 1;
      const orderId = `01926f00-0000-7000-8000-${String(ids).padStart(12, '0')}`;
      under.push({ orderId, seq: 0, path: random() < load.load.declined ? wayBack : way, at: Date.now() });
    }
    const stands = active().length > 0;
    under = under.filter((order) => {
      if (order.at > Date.now() || (stands && random() < 0.6)) return true;
      const from = order.path[order.seq - 1] ?? null;
      const to = order.path[order.seq];
      if (to === undefined) return false;
      order.seq += 1;
      order.at = Date.now() + 150 + random() * 500;
      moves.push({ orderId: order.orderId, seq: order.seq, from, event: `To${to}`, to, at: now() });
      if (from !== null) totals[from] = (totals[from] ?? 1) - 1;
      totals[to] = (totals[to] ?? 0) + 1;
      return order.seq < order.path.length;
    });
    load.inFlight = under.length;
    for (const fault of active()) {
      const { receipt } = fault;
      receipt.requests += Math.round(placed + 4 * seconds);
      receipt.failed += random() < 0.5 ? 1 : 0;
      receipt.p50 = 4 + random();
      receipt.p95 = 40 + random() * 30;
      receipt.outage = receipt.failed > 0 ? 400 + receipt.failed * 20 : null;
      if (Date.parse(fault.until) <= Date.now()) heal(fault.id);
    }
    return moves;
  }

  function inject(request: FaultRequest): Fault {
    const hit =
      request.kind === 'link'
        ? links.filter(([from, to]) => [from, '*'].includes(request.from) && [to, '*'].includes(request.to))
        : [];
    const node =
      request.kind === 'point' ? request.instance : request.kind === 'part' ? request.action.split('.')[0] : undefined;
    ids += 1;
    const fault: Fault = {
      id: `fault-${ids}`,
      request,
      title:
        request.kind === 'link' ? `${request.from} ↛ ${request.to}: ${request.toxic}` : `${node ?? 'control'} broken`,
      nodes: hit.length > 0 ? [...new Set(hit.flat())] : node === undefined ? [] : [node],
      links: hit.map(([from, to]) => `${from}>${to}`),
      state: 'active',
      injectedAt: now(),
      until: new Date(Date.now() + request.seconds * 1000).toISOString(),
      endedAt: null,
      detail: null,
      receipt: { requests: 0, failed: 0, p50: null, p95: null, outage: null, kind: 'process', recovery: null },
    };
    faults = [fault, ...faults].slice(0, 200);
    enter('DEGRADED');
    return fault;
  }

  function heal(id: string): void {
    for (const fault of faults) {
      if (fault.state !== 'active' || (id !== '*' && fault.id !== id)) continue;
      fault.state = 'recovering';
      fault.endedAt = now();
      setTimeout(() => {
        fault.state = 'healed';
        fault.receipt.recovery = 1_200;
        if (!faults.some(({ state }) => state !== 'healed')) enter('STEADY');
      }, 1_200);
    }
    if (active().length === 0) enter('RECOVERING');
  }

  function enter(phase: LiveSnapshot['phase']['phase']): void {
    if (history.at(-1)?.phase !== phase) history = [...history, { phase, at: now() }].slice(-200);
  }

  function phase(): LiveSnapshot['phase'] {
    const last = history.at(-1) ?? { phase: 'STEADY', at: now() };
    const reason = active().length === 0 ? 'Everything is ready' : `${active().length} active, requests fail`;
    return { phase: last.phase, since: last.at, reason, history };
  }

  function verdicts(): Verdicts {
    const broken = new Set(
      active().flatMap(({ request }) =>
        request.kind === 'control' ? [Number(/\d+$/.exec(request.control)?.[0])] : [],
      ),
    );
    const looks = Math.floor((Date.now() - startedAt) / 1000);
    return {
      at: now(),
      faults: active().length > 0 ? 'active' : 'none',
      lastHealAt: null,
      items: titles.map((title, index) => ({
        invariant: index + 1,
        title,
        when: index % 3 === 1 ? 'quiet' : 'always',
        state: broken.has(index + 1) ? 'violated' : index === 9 ? 'settling' : 'holds',
        detail: `looked at ${40 + index} rows`,
        offending: broken.has(index + 1)
          ? ['01926f00-0000-7000-8000-000000000001', '01926f00-0000-7000-8000-000000000002']
          : [],
        offendingTotal: broken.has(index + 1) ? 2 : 0,
        checks: looks,
        violations: broken.has(index + 1) ? 1 : 0,
        checkedAt: now(),
        milliseconds: 3 + index,
        violatedSince: broken.has(index + 1) ? now() : null,
      })),
    };
  }

  function calls(count: number): WireCall[] {
    return Array.from({ length: count }, () => {
      const instance = services[Math.floor(random() * services.length)] ?? 'bff';
      const status = random() < 0.9 ? 200 : active().length > 0 ? 503 : 404;
      return {
        at: now(),
        service: serviceOf(instance),
        instance,
        method: random() < 0.5 ? 'GET' : 'POST',
        path: random() < 0.5 ? '/products/:id' : '/orders',
        status,
        milliseconds: random() * 30,
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        upstreams: instance === 'bff' ? ['catalog-1'] : [],
      };
    });
  }

  return {
    nodes,
    liveLinks,
    advance,
    inject,
    heal,
    phase,
    verdicts,
    calls,
    load,
    totals,
    faults: () => faults,
    targets,
  };
}

const titles = [
  'For each product initial = on hand + reserved + sold, none negative',
  'No reservation is held for an order that is unknown or finished',
  'Money captured less money refunded is the total of what was completed, by the provider’s ledger too',
  'No order is captured twice',
  'No effect happens twice for one message and consumer',
  'Every saga that is not finished moves on; every step is in the definition',
  'Whatever a client was told 2xx exists',
  'The oldest unsent outbox row is younger than 5 s; queues are empty',
  'One response per key',
  'Both catalog replicas and PostgreSQL agree within 500 ms',
];

const targets: FaultTargets = {
  instances: services.map((instance) => ({
    instance,
    service: serviceOf(instance),
    points: [
      'process.tick',
      ...(['bff', 'identity'].includes(instance) ? [] : ['after-publish']),
      `${serviceOf(instance)}.before-commit`,
      `${serviceOf(instance)}.after-commit`,
    ],
  })),
  links: links.map(([from, to]) => ({ from, to })),
  parts: [
    { action: 'postgres.end-backends', title: 'End every connection', unavailable: null },
    { action: 'rabbitmq.close-connections', title: 'Close every connection', unavailable: null },
    {
      action: 'rabbitmq.memory-alarm',
      title: 'Raise the memory alarm',
      unavailable: 'rabbitmqctl is not at hand here',
    },
    { action: 'redis.flush', title: 'Forget everything', unavailable: null },
    { action: 'redis.freeze', title: 'Freeze it', unavailable: null },
    { action: 'vault.seal', title: 'Seal it', unavailable: null },
    { action: 'vault.revoke-leases', title: 'Revoke its database logins', unavailable: null },
    { action: 'message.poison', title: 'Send a poison message', unavailable: null },
    { action: 'message.duplicate', title: 'Tell the last messages again', unavailable: null },
  ],
  controls: titles.map((title, index) => ({ control: `fake.control-${index + 1}`, invariant: index + 1, title })),
};
