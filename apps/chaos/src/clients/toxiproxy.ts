/** Toxiproxy's HTTP API (https://github.com/Shopify/toxiproxy#http-api): proxies, which are links, and toxics on them. */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { MeshLink } from '../state.ts';
import { bodyOf, type Answer, type Asker } from './http.ts';

const Proxies = Type.Record(
  Type.String(),
  Type.Object({
    name: Type.String(),
    enabled: Type.Boolean(),
    toxics: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
  }),
);
const proxiesCheck = Compile(Proxies);
const errorCheck = Compile(Type.Object({ error: Type.String() }));

export interface Toxic {
  name: string;
  type: string;
  stream: 'upstream' | 'downstream';
  toxicity: number;
  attributes: Record<string, number>;
}

export interface Toxiproxy {
  proxies(): Promise<Static<typeof Proxies>>;
  add(proxy: string, toxic: Toxic): Promise<void>;
  /** Also fine where it is not there. */
  remove(proxy: string, toxic: string): Promise<void>;
  /** A proxy that is not enabled refuses connections and has ended those it had. */
  enable(proxy: string, enabled: boolean): Promise<void>;
}

const timeoutMs = 2_000;

export function createToxiproxy(url: string, asker: Asker): Toxiproxy {
  const expect = (answer: Answer, ...statuses: number[]): Answer => {
    if (statuses.includes(answer.status)) return answer;
    const text = answer.text.startsWith('{')
      ? bodyOf('Toxiproxy', answer, errorCheck).error
      : answer.text.slice(0, 200);
    throw new Error(`Toxiproxy answered ${answer.status}: ${text}`);
  };
  return {
    proxies: async () =>
      bodyOf('Toxiproxy', expect(await asker.ask({ url: `${url}/proxies`, timeoutMs }), 200), proxiesCheck),
    add: async (proxy, toxic) => {
      const answer = await asker.ask({ method: 'POST', url: `${url}/proxies/${proxy}/toxics`, body: toxic, timeoutMs });
      // 409: it is there, added by a request whose answer was lost.
      expect(answer, 200, 201, 409);
    },
    remove: async (proxy, toxic) => {
      const answer = await asker.ask({ method: 'DELETE', url: `${url}/proxies/${proxy}/toxics/${toxic}`, timeoutMs });
      expect(answer, 200, 204, 404);
    },
    enable: async (proxy, enabled) => {
      const answer = await asker.ask({ method: 'POST', url: `${url}/proxies/${proxy}`, body: { enabled }, timeoutMs });
      expect(answer, 200);
    },
  };
}

/** A proxy's name as the link it is; null for a proxy that is none of ours. */
export function linkOf(proxy: string): MeshLink | null {
  const [, from, to] = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)$/.exec(proxy) ?? [];
  return from === undefined || to === undefined ? null : { from, to };
}
