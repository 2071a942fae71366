/** All proxies by name. Changes are made one after the other: two callers never half-change the same proxy. */
import { ApiError, badRequest, errors } from './errors.ts';
import { type OnTrouble, Proxy, type ProxySettings } from './proxy.ts';

const maximumProxies = 1000;

export class Proxies {
  readonly #byName = new Map<string, Proxy>();
  readonly #onTrouble: OnTrouble;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(onTrouble: OnTrouble) {
    this.#onTrouble = onTrouble;
  }

  all(): Proxy[] {
    return [...this.#byName.values()];
  }

  /** @throws ApiError 404 */
  get(name: string): Proxy {
    const proxy = this.#byName.get(name);
    if (proxy === undefined) throw errors.proxyNotFound();
    return proxy;
  }

  /** @throws ApiError 409 when there is one of that name, 400 when it cannot listen. */
  async create(settings: ProxySettings): Promise<Proxy> {
    return await this.#inTurn(async () => {
      if (this.#byName.has(settings.name)) throw errors.proxyExists();
      return await this.#add(settings);
    });
  }

  /**
   * Creates or replaces each. One that is at the same addresses already stays, with its connections and toxics.
   * @throws ApiError after having made those before the one that failed, as the real one does.
   */
  async populate(list: readonly ProxySettings[]): Promise<Proxy[]> {
    return await this.#inTurn(async () => {
      const made: Proxy[] = [];
      for (const settings of list) made.push(await this.#addOrReplace(settings));
      return made;
    });
  }

  /** @throws ApiError */
  async update(name: string, change: (proxy: Proxy) => Omit<ProxySettings, 'name'>): Promise<Proxy> {
    return await this.#inTurn(async () => {
      const proxy = this.get(name);
      await proxy.update(change(proxy));
      return proxy;
    });
  }

  /** @throws ApiError 404 */
  async remove(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const proxy = this.get(name);
      this.#byName.delete(name);
      await proxy.stop();
    });
  }

  /** Enables every proxy and removes every toxic. @throws ApiError when one cannot listen. */
  async reset(): Promise<void> {
    await this.#inTurn(async () => {
      for (const proxy of this.#byName.values()) {
        for (const toxic of proxy.toxics) proxy.removeToxic(toxic);
        await proxy.start();
      }
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      for (const proxy of this.#byName.values()) await proxy.stop();
    });
  }

  async #addOrReplace(settings: ProxySettings): Promise<Proxy> {
    const existing = this.#byName.get(settings.name);
    if (existing?.isAt(settings.listen, settings.upstream) === true) {
      await existing.update(settings);
      return existing;
    }
    await existing?.stop();
    this.#byName.delete(settings.name);
    return await this.#add(settings);
  }

  async #add(settings: ProxySettings): Promise<Proxy> {
    if (this.#byName.size >= maximumProxies) throw badRequest(`there are at most ${maximumProxies} proxies`);
    const proxy = new Proxy(settings, this.#onTrouble);
    if (settings.enabled) await proxy.start();
    this.#byName.set(settings.name, proxy);
    return proxy;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch((error: unknown) => {
      // Whoever asked for it is told; the next one goes on.
      if (!(error instanceof ApiError)) this.#onTrouble({ proxy: '', side: 'api', error: String(error) });
    });
    return await mine;
  }
}
