/** An auditor that says what a test wants, and remembers what it was told of faults. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultWindow, Verdict, Verdicts } from '@ballast/contracts';

export interface FakeAuditor {
  url: string;
  /** Fault windows it was told, oldest first. */
  told: FaultWindow[];
  /** Tokens it was asked with. */
  tokens: Set<string | undefined>;
  /** What it says of each invariant; each question is a look at all of them. */
  verdicts: Map<number, Partial<Verdict>>;
  /** False: it looks at nothing any more and tells what it saw last. */
  looking: boolean;
  /** When set, every answer is this status. */
  outage: number | null;
  /** When set, the verdicts are this text. */
  text: string | null;
  /** Verdicts are not answered before it resolves. */
  held: () => Promise<void>;
  /** Questions for verdicts so far, and how many of them were open at a time at most. */
  asked: number;
  mostOpen: number;
  close(): Promise<void>;
}

/** What it says of an invariant of which it was told nothing else. */
export function verdict(invariant: number, more: Partial<Verdict> = {}): Verdict {
  return {
    invariant,
    title: `invariant ${invariant}`,
    when: 'always',
    state: 'holds',
    detail: '',
    offending: [],
    offendingTotal: 0,
    checks: 1,
    violations: 0,
    checkedAt: new Date().toISOString(),
    milliseconds: 1,
    violatedSince: null,
    ...more,
  };
}

/** Listens on a free port; judges invariants 1 and 7. */
export async function fakeAuditor(): Promise<FakeAuditor> {
  let open = 0;
  let checks = 0;
  let checkedAt: string | null = null;
  const answer = (): Verdicts => {
    if (auditor.looking) {
      checks += 1;
      checkedAt = new Date().toISOString();
    }
    const last = auditor.told.at(-1);
    return {
      at: new Date().toISOString(),
      items: [...auditor.verdicts].map(([invariant, more]) => verdict(invariant, { checks, checkedAt, ...more })),
      faults: last === undefined ? 'unknown' : last.active ? 'active' : 'none',
      lastHealAt: last?.lastHealAt ?? null,
    };
  };
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      auditor.tokens.add(request.headers.authorization);
      const send = (status: number, text: string): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(text);
      };
      if (auditor.outage !== null) return send(auditor.outage, '{"detail":"told so"}');
      if (request.method === 'PUT' && request.url === '/lab/fault-window') {
        auditor.told.push(JSON.parse(Buffer.concat(pieces).toString()) as FaultWindow);
        return void response.writeHead(204).end();
      }
      if (request.url !== '/verdicts') return send(404, '{}');
      auditor.asked += 1;
      open += 1;
      auditor.mostOpen = Math.max(auditor.mostOpen, open);
      response.on('close', () => {
        open -= 1;
      });
      void auditor.held().then(() => send(200, auditor.text ?? JSON.stringify(answer())));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const auditor: FakeAuditor = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told: [],
    tokens: new Set(),
    verdicts: new Map([
      [1, {}],
      [7, {}],
    ]),
    looking: true,
    outage: null,
    text: null,
    held: async () => {},
    asked: 0,
    mostOpen: 0,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return auditor;
}
