// Brings webhooks to their receiver until it answers 2xx. What is still to be delivered is journalled
// together with the effect it tells of, so a restart goes on where the last run stopped.

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ProviderName } from './methods.ts';

/** A webhook to be delivered, as it stands in the journal. */
export type Webhook = {
  kind: 'webhook';
  /** Of this delivery; copies of one event differ here only. */
  id: string;
  provider: ProviderName;
  body: string;
  /** Milliseconds since 1970 before which it is not sent. */
  dueAt: number;
  /** The payment whose next webhook must go first; see `release`. */
  heldFor: string | null;
};

/** The journal's word that a webhook was delivered or given up. */
export type WebhookDone = { kind: 'webhook.done'; id: string };

/** Where one provider's webhooks go and how they are signed. */
export type Receiver = {
  url: URL;
  sign: (body: string) => Promise<Record<string, string>>;
};

/** What the deliverer needs from outside. */
export type DeliveryOptions = {
  receivers: Partial<Record<ProviderName, Receiver>>;
  /** Journals that a webhook is done with. */
  recordDone: (id: string) => Promise<void>;
  warn: (details: object, message: string) => void;
  /** Milliseconds before the second attempt; doubles up to ten times as much. Default 1,000. */
  firstRetryMilliseconds?: number;
};

type Pending = { webhook: Webhook; attempts: number; refusals: number; dueAt: number };

const MAXIMUM_PENDING = 50_000;
const MAXIMUM_CONCURRENCY = 16;
const MAXIMUM_REFUSALS = 5;
const ATTEMPT_TIMEOUT = 10_000;
const RELEASE_DELAY = 1_000;

/** Delivers for one provider at a time each; see README for what is retried how often. */
export class WebhookDelivery {
  readonly #options: DeliveryOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #inFlight = new Map<string, Promise<boolean>>();
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: MAXIMUM_CONCURRENCY * 2 }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: MAXIMUM_CONCURRENCY * 2 }),
  };
  #timer: NodeJS.Timeout | undefined;
  // One attempt at a time while the receiver is failing, so that a long queue does not storm it.
  #concurrency = MAXIMUM_CONCURRENCY;
  #pausedUntil = 0;
  #started = false;
  #closed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Deliveries not yet done with. */
  get size(): number {
    return this.#pending.size;
  }

  /** Takes a record while the journal is replayed, or a new one; nothing is sent before `start`. */
  apply(record: Webhook | WebhookDone): void {
    if (record.kind === 'webhook.done') {
      this.#pending.delete(record.id);
      return;
    }
    if (this.#options.receivers[record.provider] === undefined) return;
    this.#pending.set(record.id, { webhook: record, attempts: 0, refusals: 0, dueAt: record.dueAt });
    if (this.#pending.size > MAXIMUM_PENDING) this.#giveUpOldest();
    this.#wake();
  }

  /** Begins sending. */
  start(): void {
    this.#started = true;
    this.#wake();
  }

  /** Lets go, a moment later, of what was held back for this payment. */
  release(paymentId: string): void {
    for (const pending of this.#pending.values()) {
      if (pending.webhook.heldFor === paymentId) {
        pending.dueAt = Math.min(pending.dueAt, Date.now() + RELEASE_DELAY);
      }
    }
    this.#wake();
  }

  /** Sends this webhook now, out of turn; resolves once it was answered or has failed. */
  async deliverNow(id: string): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending !== undefined && !this.#closed) await this.#attempt(pending);
  }

  /** Stops: from this call on nothing is sent. Attempts under way are cut off; what was not answered stays in the journal. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
    await Promise.all(this.#inFlight.values());
  }

  #wake(): void {
    if (!this.#started || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendDue(), 0);
  }

  #sendDue(): void {
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    for (const pending of this.#pending.values()) {
      if (this.#inFlight.size >= this.#concurrency) return;
      if (this.#inFlight.has(pending.webhook.id)) continue;
      const due = Math.max(pending.dueAt, this.#pausedUntil);
      if (due <= now) void this.#attempt(pending);
      else next = Math.min(next, due);
    }
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#sendDue(), next - now);
  }

  async #attempt(pending: Pending): Promise<void> {
    const { id } = pending.webhook;
    const running = this.#inFlight.get(id) ?? this.#send(pending);
    this.#inFlight.set(id, running);
    await running;
    this.#inFlight.delete(id);
    this.#wake();
  }

  /** Never rejects: every way an attempt can end is turned into what happens next. */
  async #send(pending: Pending): Promise<boolean> {
    const { webhook } = pending;
    pending.attempts += 1;
    try {
      const status = await this.#post(webhook);
      if (status >= 200 && status < 300) {
        this.#concurrency = MAXIMUM_CONCURRENCY;
        await this.#finish(webhook.id);
        return true;
      }
      const refused = status >= 400 && status < 500 && status !== 408 && status !== 429;
      if (refused) {
        pending.refusals += 1;
        if (pending.refusals >= MAXIMUM_REFUSALS) {
          this.#options.warn({ webhook: webhook.id, status }, 'webhook given up: refused too often');
          await this.#finish(webhook.id);
          return false;
        }
      } else {
        this.#slowDown();
      }
    } catch (error) {
      if (this.#closed) return false;
      this.#slowDown();
      if (pending.attempts === 5) {
        this.#options.warn({ webhook: webhook.id, error }, 'webhook not deliverable so far');
      }
    }
    const first = this.#options.firstRetryMilliseconds ?? 1_000;
    pending.dueAt = Date.now() + Math.min(first * 2 ** (pending.attempts - 1), first * 10);
    return false;
  }

  #slowDown(): void {
    this.#concurrency = 1;
    this.#pausedUntil = Date.now() + (this.#options.firstRetryMilliseconds ?? 1_000) / 2;
  }

  async #finish(id: string): Promise<void> {
    this.#pending.delete(id);
    await this.#options.recordDone(id);
  }

  #giveUpOldest(): void {
    const oldest = this.#pending.keys().next().value;
    if (oldest === undefined) return;
    this.#pending.delete(oldest);
    // While the journal is being replayed there is nothing to write to yet; the next start drops it again.
    if (!this.#started) return;
    this.#options.warn({ webhook: oldest }, 'webhook given up: too many are waiting');
    this.#options.recordDone(oldest).catch((error: unknown) => {
      this.#options.warn({ webhook: oldest, error }, 'giving up a webhook could not be recorded');
    });
  }

  async #post(webhook: Webhook): Promise<number> {
    const receiver = this.#options.receivers[webhook.provider];
    if (receiver === undefined) throw new Error(`No receiver for ${webhook.provider}`);
    const signature = await receiver.sign(webhook.body);
    // The agents would open another connection.
    if (this.#closed) throw new Error('The stand-in is closing');
    const secure = receiver.url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(receiver.url, {
        method: 'POST',
        agent: this.#agents[secure ? 'https:' : 'http:'],
        signal: AbortSignal.timeout(ATTEMPT_TIMEOUT),
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(webhook.body),
          ...signature,
        },
      });
      request.on('response', (response) => {
        response.on('error', reject);
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.resume();
      });
      request.on('error', reject);
      request.end(webhook.body);
    });
  }
}
