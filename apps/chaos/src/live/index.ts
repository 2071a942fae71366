/**
 * The live hub: gathers what `/chaos` shows into one stream, `GET /live`. It asks around only while somebody reads or
 * something is being broken; each event is put into words once, whoever reads.
 */
import type { LivePhase, LiveTopology } from '@ballast/contracts';
import { ProblemError, type HttpServer } from '@ballast/service';
import type { ChaosState, LiveHub, LiveHubParts } from '../state.ts';
import { createCollector } from './collector.ts';
import { firstPhase, nextPhase, type PhaseFacts } from './phase.ts';
import { createPoints } from './points.ts';
import { createLiveStream } from './stream.ts';

const listenEveryMs = 500;
/** Faults and experiments are told at once, those that change together in one event. */
const soonMs = 100;
const maximumReaders = 50;
/** It goes on asking for so long after the last reader has left, in ms: most come back. */
const usualGraceMs = 15_000;
/** After so long without a look, in ms, what was known is no use any more. */
const staleAfterMs = 5_000;
/** Faults that are over are shown with what they did, the latest so many. */
const maximumPastFaults = 60;
/** Failed requests count as a sign for so long, in ms; seconds are whole, so the open one is left out. */
const failedWithinMs = 3_000;

/** Slices that replace what was known. */
type Replaced = 'topology' | 'phase' | 'faults' | 'invariants' | 'load' | 'experiment';

/** `graceMs` and `staleMs` are for tests. */
export function createLiveHub(parts: LiveHubParts, { graceMs = usualGraceMs, staleMs = staleAfterMs } = {}): LiveHub {
  const { state } = parts;
  const collector = createCollector(parts);
  let phase = firstPhase(new Date());
  let points = createPoints(Date.now());
  /** Each slice as readers know it. */
  const told = new Map<Replaced, string>();
  let topology: LiveTopology = collector.topology();
  let lastWantedAt = Number.NEGATIVE_INFINITY;
  let lastLookAt = Number.NEGATIVE_INFINITY;
  let halfSeconds = 0;

  const snapshot = (): string => {
    const orders = collector.orders();
    const members = {
      at: JSON.stringify(new Date().toISOString()),
      topology: told.get('topology'),
      phase: told.get('phase'),
      faults: told.get('faults'),
      invariants: told.get('invariants'),
      orders: JSON.stringify({ inFlight: orders.inFlight(), totals: orders.totals() }),
      load: told.get('load'),
      experiment: told.get('experiment'),
      metrics: JSON.stringify(points.latest()),
      wire: JSON.stringify(collector.calls().latest()),
    };
    return `{${Object.entries(members)
      .map(([name, json]) => `"${name}":${json}`)
      .join(',')}}`;
  };
  const stream = createLiveStream({
    snapshot,
    onReaders: (readers) => state.set('watchers', readers),
  });
  parts.metrics.gauge('chaos_live_readers', 'Readers of the live stream.', [], (gauge) => gauge.set(stream.readers));

  const replace = (slice: Replaced, value: unknown): void => {
    const json = JSON.stringify(value);
    if (told.get(slice) === json) return;
    told.set(slice, json);
    stream.publish(slice, json);
  };
  const tellState = (): void => {
    replace('faults', { items: shownFaults(state) });
    replace('invariants', state.get('verdicts'));
    replace('load', state.get('load'));
    replace('experiment', state.get('experiment'));
    phase = nextPhase(phase, phaseFacts(state, topology), new Date());
    replace('phase', phase satisfies LivePhase);
  };
  const tellNews = (): void => {
    const orders = collector.orders();
    const moved = orders.drain(performance.now());
    if (moved !== null) stream.publish('orders', JSON.stringify(moved));
    const answered = collector.calls().drain();
    if (answered !== null) stream.publish('wire', JSON.stringify(answered));
    const fresh = points.take(state.get('seconds'), () => {
      const { placed, completed, compensated } = orders.ended();
      const outbox = topology.nodes.reduce((rows, node) => rows + (node.outbox ?? 0), 0);
      return {
        placed: collector.hearsMoves() ? placed : null,
        completed,
        compensated,
        inFlight: orders.unfinished(),
        outbox,
      };
    });
    for (const point of fresh) stream.publish('metrics', JSON.stringify(point));
  };
  const tellAll = (): void => {
    topology = collector.topology();
    replace('topology', topology);
    tellState();
    tellNews();
  };
  tellAll();

  const isWanted = (now: number): boolean => {
    if (stream.readers > 0 || isBusy(state)) lastWantedAt = now;
    return now - lastWantedAt < graceMs;
  };
  /** After a long sleep everything begins anew, also for those who come back with an old id. */
  const wake = (now: number): void => {
    if (now - lastLookAt < staleMs) return;
    collector.forget();
    points = createPoints(Date.now());
    stream.renew();
    lastLookAt = now;
    // What is found out now is told in half a second.
    halfSeconds = 1;
    collector.look();
    collector.listen();
    tellAll();
  };
  const turn = (): void => {
    const now = performance.now();
    if (!isWanted(now)) return;
    wake(now);
    lastLookAt = now;
    halfSeconds += 1;
    if (halfSeconds % 2 === 0) {
      tellAll();
      collector.look();
    } else {
      tellState();
      tellNews();
    }
    collector.listen();
  };

  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  const tellSoon = (): void => {
    if (soon !== undefined || stream.readers === 0) return;
    soon = setTimeout(() => {
      soon = undefined;
      tellState();
    }, soonMs);
  };
  const unwatch = [state.onChange('faults', tellSoon), state.onChange('experiment', tellSoon)];

  return {
    routes: (server) => addRoute(server),
    start: () => {
      timer ??= setInterval(turn, listenEveryMs);
    },
    stop: async () => {
      clearInterval(timer);
      clearTimeout(soon);
      for (const stop of unwatch) stop();
      stream.close();
      await collector.close();
    },
  };

  function addRoute(server: HttpServer): void {
    server.get(
      '/live',
      { exposeHeadRoute: false, config: { access: 'operator' }, schema: { hide: true } },
      async (request, reply) => {
        if (server.draining.aborted || stream.readers >= maximumReaders) {
          throw new ProblemError('unavailable', 'No more live streams here at the moment.', { retryAfterSeconds: 2 });
        }
        const lastEventId = request.headers['last-event-id'];
        const now = performance.now();
        lastWantedAt = now;
        wake(now);
        // A snapshot is what readers have been told; nothing of it must come a second time.
        tellState();
        tellNews();
        reply.hijack();
        const headers = reply.getHeaders() as Record<string, string>;
        const end = stream.open(reply.raw, typeof lastEventId === 'string' ? lastEventId : undefined, headers);
        const unwatchRevocation = server.revocations?.onRevoked(request.principal!, end);
        server.draining.addEventListener('abort', end);
        reply.raw.on('close', () => {
          unwatchRevocation?.();
          server.draining.removeEventListener('abort', end);
        });
        return reply;
      },
    );
  }
}

/** Whether something is being broken, or an experiment is under way. */
function isBusy(state: ChaosState): boolean {
  const { phase } = state.get('experiment');
  return (
    phase === 'running' ||
    phase === 'healing' ||
    phase === 'judging' ||
    state.get('faults').some((fault) => fault.state === 'active' || fault.state === 'recovering')
  );
}

/** All that are not over, and the latest of the others; newest first. */
function shownFaults(state: ChaosState) {
  let past = 0;
  return state.get('faults').filter((fault) => {
    if (fault.state === 'active' || fault.state === 'recovering') return true;
    past += 1;
    return past <= maximumPastFaults;
  });
}

function phaseFacts(state: ChaosState, { nodes }: LiveTopology): PhaseFacts {
  const faults = state.get('faults');
  const titles = (wanted: 'active' | 'recovering'): string[] =>
    faults.flatMap((fault) => (fault.state === wanted ? [fault.title] : []));
  const verdicts = state.get('verdicts')?.items ?? [];
  const numbers = (wanted: 'violated' | 'settling'): number[] =>
    verdicts.flatMap((verdict) => (verdict.state === wanted ? [verdict.invariant] : []));
  const since = Date.now() - failedWithinMs;
  return {
    active: titles('active'),
    recovering: titles('recovering'),
    notReady: nodes.flatMap(({ name, state: seen }) => (seen === 'not-ready' || seen === 'unreachable' ? [name] : [])),
    failed: state.get('seconds').reduce((failed, second) => (second.at >= since ? failed + second.failed : failed), 0),
    violated: numbers('violated'),
    settling: numbers('settling'),
  };
}
