/** Toxiproxy's API without any connections behind it, for what the lab's stand-in cannot be told: to answer late. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeToxiproxy {
  url: string;
  proxies: Map<string, { enabled: boolean; toxics: string[] }>;
  /** What was asked, `GET /proxies` aside: `off victim-1.postgres`. Each as it comes, before it is done. */
  asked: string[];
  /** Nothing is listed before it resolves. */
  listing: () => Promise<void>;
  /** Nothing that was asked is done before it resolves; told what it is. */
  doing: (what: string) => Promise<void>;
  close(): Promise<void>;
}

export async function fakeToxiproxy(names: readonly string[]): Promise<FakeToxiproxy> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => void answer(request.method!, request.url!, Buffer.concat(pieces).toString()));
    const answer = async (method: string, path: string, text: string): Promise<void> => {
      const send = (status: number, body?: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      };
      if (path === '/proxies') {
        await fake.listing();
        const listed = [...fake.proxies].map(([name, { enabled, toxics }]) => [
          name,
          { name, enabled, toxics: toxics.map((toxic) => ({ name: toxic, type: 'latency' })) },
        ]);
        return send(200, Object.fromEntries(listed));
      }
      const [, name = '', toxics, toxic] = /^\/proxies\/([^/]+)(\/toxics)?(?:\/([^/]+))?$/.exec(path) ?? [];
      const proxy = fake.proxies.get(name);
      if (proxy === undefined) return send(404, { error: 'proxy not found' });
      const told = text === '' ? {} : (JSON.parse(text) as { enabled?: boolean; name?: string });
      const what = toxics === undefined ? (told.enabled === true ? 'on' : 'off') : method === 'POST' ? 'add' : 'remove';
      fake.asked.push(`${what} ${name}`);
      await fake.doing(what);
      if (told.enabled !== undefined) proxy.enabled = told.enabled;
      if (told.name !== undefined) proxy.toxics.push(told.name);
      if (method === 'DELETE') proxy.toxics = proxy.toxics.filter((each) => each !== toxic);
      send(method === 'DELETE' ? 204 : 200, method === 'DELETE' ? undefined : {});
    };
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fake: FakeToxiproxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    proxies: new Map(names.map((name) => [name, { enabled: true, toxics: [] }])),
    asked: [],
    listing: async () => {},
    doing: async () => {},
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return fake;
}
