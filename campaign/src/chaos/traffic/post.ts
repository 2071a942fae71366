/**
 * The post between the payment provider and the mesh, as it may be: webhooks are late, overtake each other, and come again
 * when nobody expects them any more. A provider's own word stays what it is: it gets the answer of the mesh, and repeats
 * what was not answered 2xx.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { Chance } from '../../simulation/chance.ts';
import { rest } from './customer.ts';
import { Tally } from './tally.ts';

interface Letter {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** What became of one event. */
interface Event {
  /** Answers 200 by their effect. */
  applied: number;
  known: number;
}

/** Of webhooks, so many are held back before they are handed on, for so long in ms. */
const heldShare = 0.3;
const heldMs = 1_500;
/** Of events, so many come again, so often at most and so much later. */
const againShare = 0.5;
const mostAgain = 3;
const againMs = 25_000;
/** Copies that wait; what is beyond is not copied. */
const mostWaiting = 2_000;
const timeoutMs = 8_000;
const largestBytes = 256 * 1024;

export class Post {
  readonly #chance: Chance;
  readonly #server: Server;
  readonly #agent = new Agent({ connections: 32, connect: { timeout: 2_000 } });
  readonly #events = new Map<string, Event>();
  readonly #waiting = new Set<Promise<void>>();
  readonly #hurry = new AbortController();
  readonly tally = new Tally();
  #target = '';

  private constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#server = createServer((incoming, answer) => void this.#take(incoming, answer));
  }

  static async open(seed: number): Promise<Post> {
    const post = new Post(seed);
    post.#server.listen(0, '127.0.0.1');
    await once(post.#server, 'listening');
    return post;
  }

  /** What the provider is told as the address of its webhooks, without the path. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Where the mesh takes them; until then none is taken. */
  deliverTo(url: string): void {
    this.#target = url;
  }

  /** Events that the mesh has said it knows: they must be in its rows. */
  get acknowledged(): string[] {
    return [...this.#events].filter(([, { applied, known }]) => applied + known > 0).map(([id]) => id);
  }

  /** Sentences. */
  get violations(): string[] {
    return [...this.#events]
      .filter(([, { applied }]) => applied > 1)
      .map(([id, { applied }]) => `one effect per event: ${id} was applied ${applied} times`);
  }

  /** Hands on all copies that still wait, now. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await Promise.all(this.#waiting);
  }

  async close(): Promise<void> {
    await this.flush();
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#agent.destroy();
  }

  async #take(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    try {
      const letter = await read(incoming);
      if (this.#chance.hit(heldShare)) await rest(this.#chance.between(0, heldMs), this.#hurry.signal);
      const status = this.#target === '' ? null : await this.#deliver(letter);
      answer.writeHead(status ?? 503).end();
      if (status === 200 && this.#chance.hit(againShare)) this.#copy(letter);
    } catch (error) {
      // The provider hung up, or sent what cannot be read: it sees that it was not taken.
      this.tally.count(error instanceof Error ? 'not taken' : 'not read');
      answer.destroy();
    }
  }

  #copy(letter: Letter): void {
    const copies = 1 + this.#chance.below(mostAgain);
    for (let copy = 0; copy < copies && this.#waiting.size < mostWaiting; copy += 1) {
      const later = this.#later(letter, this.#chance.between(0, againMs)).finally(() => this.#waiting.delete(later));
      this.#waiting.add(later);
    }
  }

  async #later(letter: Letter, milliseconds: number): Promise<void> {
    await rest(milliseconds, this.#hurry.signal);
    this.tally.count('copies');
    await this.#deliver(letter);
  }

  /** The status; null where nobody answered. */
  async #deliver({ path, headers, body }: Letter): Promise<number | null> {
    try {
      const response = await request(this.#target + path, {
        dispatcher: this.#agent,
        method: 'POST',
        headers,
        body,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const text = await response.body.text();
      this.tally.answered(response.statusCode);
      if (response.statusCode >= 400) this.tally.count(`status ${response.statusCode}`);
      if (response.statusCode === 200) this.#note(body, (JSON.parse(text) as { effect?: string }).effect ?? '');
      return response.statusCode;
    } catch {
      // Nobody there, or gone in the middle of it: the provider, or nobody, sends it again.
      this.tally.answered(null);
      return null;
    }
  }

  #note(body: Buffer, effect: string): void {
    this.tally.count(effect);
    if (effect === 'ignored') return;
    const { id } = JSON.parse(body.toString()) as { id: string };
    const event = this.#events.get(id) ?? { applied: 0, known: 0 };
    this.#events.set(id, event);
    if (effect === 'applied') event.applied += 1;
    else event.known += 1;
  }
}

async function read(incoming: IncomingMessage): Promise<Letter> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > largestBytes) throw new Error('a webhook is too long');
    chunks.push(chunk);
  }
  const kept = Object.entries(incoming.headers).filter(
    (entry): entry is [string, string] =>
      /^(content-type|stripe-|paypal-)/.test(entry[0]) && typeof entry[1] === 'string',
  );
  return { path: incoming.url ?? '/', headers: Object.fromEntries(kept), body: Buffer.concat(chunks) };
}
