/**
 * Asks around: every process whether it is ready, what its metrics say and what it has answered, Toxiproxy about the links,
 * the parts whether they are there, the auditor about orders that moved. Nobody waits for anybody: who is slow is asked again
 * when it has answered, and shown as it was last seen.
 */
import { Moves, type BreakerState, type LiveLink, type LiveTopology } from '@ballast/contracts';
import { Compile } from 'typebox/compile';
import { bodyOf, createAsker } from '../clients/http.ts';
import { createToxiproxy, linkOf } from '../clients/toxiproxy.ts';
import type { LiveHubParts, MeshLink } from '../state.ts';
import { createCallFeed, type CallFeed } from './calls.ts';
import { createLinkReader, unknownLink } from './links.ts';
import { followOrders, type FollowedOrders } from './orders.ts';
import { watchInstance } from './watch-instance.ts';
import { watchPart } from './watch-part.ts';

const movesCheck = Compile(Moves);
const movesTimeoutMs = 800;
const linksTimeoutMs = 800;

export interface Collector {
  /** Looks at processes, parts and links. Call it once a second. */
  look(): void;
  /** Asks for calls and moves. Call it twice a second. */
  listen(): void;
  topology(): LiveTopology;
  calls(): CallFeed;
  orders(): FollowedOrders;
  /** Whether the auditor has answered the last question about moves. */
  hearsMoves(): boolean;
  /** Forgets everything: nobody has looked for long. */
  forget(): void;
  close(): Promise<void>;
}

export function createCollector(parts: LiveHubParts): Collector {
  const { state, authorization, auditorUrl, toxiproxyUrl } = parts;
  const asker = createAsker(2);
  const toxiproxy = toxiproxyUrl === null ? null : createToxiproxy(toxiproxyUrl, asker);
  const watchedParts = parts.parts.map((part) => watchPart(part));
  let instances = state.get('instances').map((instance) => watchInstance(instance, asker));
  const stopWatching = state.onChange('instances', (now) => {
    instances = now.map((instance) => watchInstance(instance, asker));
  });

  let readLinks = createLinkReader(linkOf);
  let links: LiveLink[] | null = null;
  let calls = createCallFeed();
  let orders = followOrders();
  let cursor: string | undefined;
  let hearsMoves = false;
  let [lookingAtLinks, askingForMoves] = [false, false];

  const breakerOf = ({ from, to }: MeshLink): BreakerState | null => {
    const caller = instances.find(({ instance }) => instance.name === from);
    return caller?.figures().breakers.get(to.replace(/-\d+$/, '')) ?? null;
  };
  const lookAtLinks = async (): Promise<void> => {
    if (toxiproxy === null || lookingAtLinks) return;
    lookingAtLinks = true;
    const at = performance.now();
    try {
      const [proxies, metrics] = await Promise.all([
        toxiproxy.proxies(),
        asker.ask({ url: `${toxiproxyUrl}/metrics`, timeoutMs: linksTimeoutMs }),
      ]);
      links = readLinks(Object.values(proxies), metrics.text, at, breakerOf);
    } catch {
      // Shown as links of which nothing is known.
      links = null;
    } finally {
      lookingAtLinks = false;
    }
  };

  const askForMoves = async (credentials: string): Promise<void> => {
    if (auditorUrl === null || askingForMoves) return;
    askingForMoves = true;
    const into = orders;
    try {
      const url = `${auditorUrl}/moves${cursor === undefined ? '' : `?after=${encodeURIComponent(cursor)}`}`;
      const answer = await asker.ask({ url, headers: { authorization: credentials }, timeoutMs: movesTimeoutMs });
      // A cursor that an auditor before this one has given.
      if (answer.status >= 400 && answer.status < 500) cursor = undefined;
      const page = bodyOf('the auditor', answer, movesCheck);
      hearsMoves = true;
      if (into !== orders) return;
      cursor = page.cursor;
      orders.take(page.items, page.totals);
    } catch {
      // That the auditor is away is shown by its node; the moves come when it is back.
      hearsMoves = false;
    } finally {
      askingForMoves = false;
    }
  };
  const askForCalls = async (watched: (typeof instances)[number], credentials: string): Promise<void> => {
    const into = calls;
    const page = await watched.calls(credentials);
    if (page !== null) into.take(page);
  };

  return {
    look: () => {
      for (const watched of [...instances, ...watchedParts]) void watched.look();
      void lookAtLinks();
    },
    listen: () => {
      const credentials = authorization();
      if (credentials === null) return;
      for (const watched of instances) void askForCalls(watched, credentials);
      void askForMoves(credentials);
    },
    topology: () => {
      const processes = instances.map((watched) => watched.node());
      return {
        nodes: [...processes, ...watchedParts.map((watched) => watched.node(processes))],
        links: links ?? state.get('links').map((link) => unknownLink(link, breakerOf)),
      };
    },
    calls: () => calls,
    orders: () => orders,
    hearsMoves: () => hearsMoves,
    forget: () => {
      for (const watched of [...instances, ...watchedParts]) watched.forget();
      readLinks = createLinkReader(linkOf);
      links = null;
      calls = createCallFeed();
      orders = followOrders();
      cursor = undefined;
      hearsMoves = false;
    },
    close: async () => {
      stopWatching();
      await asker.close();
    },
  };
}
