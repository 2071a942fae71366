// The certificates PayPal's webhooks name by URL. The URL comes from whoever sent the webhook, so it is
// fetched only from hosts we were told of, without redirects, within limits, and rarely.

import { X509Certificate, type KeyObject } from 'node:crypto';
import { Agent } from 'undici';
import { WebhookRejected, type WebhookRejection } from './provider.ts';

/** Which hosts may be asked, and how long that may take. */
export type CertificateOptions = {
  /**
   * `host` (then port 443, or 80 for loopback) or `host:port`. The URL must be https; http is taken only
   * for a loopback host that is listed, which is how the stand-in serves its certificate.
   */
  certificateHosts: readonly string[];
  timeoutMilliseconds: number;
  /** Milliseconds since 1970. */
  now: () => number;
};

type Known = { key: KeyObject; validFrom: number; validTo: number };

const MAXIMUM_KNOWN = 16;
const MAXIMUM_BYTES = 64 * 1024;
const MAXIMUM_FETCHES = 4;
const RETRY_AFTER_MILLISECONDS = 2_000;
const MAXIMUM_FAILURES = 64;
const PATH = /^\/v1\/notifications\/certs\/[A-Za-z0-9_-]{1,128}$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Public keys by certificate URL: fetched once, kept while valid, the oldest of sixteen forgotten. */
export class CertificateStore {
  readonly #options: CertificateOptions;
  readonly #agent = new Agent({ connections: MAXIMUM_FETCHES, maxResponseSize: MAXIMUM_BYTES });
  readonly #known = new Map<string, Known>();
  readonly #fetching = new Map<string, Promise<Known>>();
  readonly #failed = new Map<string, { at: number; reason: WebhookRejection }>();

  constructor(options: CertificateOptions) {
    this.#options = options;
  }

  /** The key behind a URL. Throws {@link WebhookRejected}. */
  async publicKey(url: string): Promise<KeyObject> {
    const target = this.#trusted(url);
    const known = this.#known.get(target.href) ?? (await this.#fetchOnce(target));
    const now = this.#options.now();
    if (now < known.validFrom || now > known.validTo) {
      this.#known.delete(target.href);
      throw new WebhookRejected('invalid_certificate', 'The certificate is not valid now');
    }
    return known.key;
  }

  /** Closes connections. */
  async close(): Promise<void> {
    await this.#agent.close();
  }

  #trusted(text: string): URL {
    const url = URL.parse(text);
    const listed =
      url !== null &&
      this.#options.certificateHosts.some((entry) => {
        const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
        const defaultPort = url.protocol === 'https:' ? '443' : '80';
        const samePort = (url.port || defaultPort) === (port || defaultPort);
        return url.hostname === host && samePort;
      });
    const secure =
      url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)));
    const plain =
      url !== null &&
      url.username === '' &&
      url.password === '' &&
      url.search === '' &&
      url.hash === '' &&
      PATH.test(url.pathname);
    if (url !== null && listed && secure && plain) return url;
    throw new WebhookRejected('untrusted_certificate_url', 'The certificate is not from PayPal');
  }

  async #fetchOnce(url: URL): Promise<Known> {
    const running = this.#fetching.get(url.href);
    if (running !== undefined) return running;
    const failed = this.#failed.get(url.href);
    if (failed !== undefined && this.#options.now() - failed.at < RETRY_AFTER_MILLISECONDS) {
      throw new WebhookRejected(failed.reason, 'The certificate could not be had just now');
    }
    if (this.#fetching.size >= MAXIMUM_FETCHES) {
      throw new WebhookRejected('certificate_unavailable', 'Too many certificates are being fetched');
    }
    const fetching = this.#fetch(url);
    this.#fetching.set(url.href, fetching);
    try {
      const known = await fetching;
      this.#known.set(url.href, known);
      forgetOldest(this.#known, MAXIMUM_KNOWN);
      return known;
    } catch (error) {
      const reason = error instanceof WebhookRejected ? error.reason : 'certificate_unavailable';
      this.#failed.set(url.href, { at: this.#options.now(), reason });
      forgetOldest(this.#failed, MAXIMUM_FAILURES);
      throw error;
    } finally {
      this.#fetching.delete(url.href);
    }
  }

  async #fetch(url: URL): Promise<Known> {
    let pem: string;
    try {
      const reply = await this.#agent.request({
        origin: url.origin,
        path: url.pathname,
        method: 'GET',
        signal: AbortSignal.timeout(this.#options.timeoutMilliseconds),
      });
      pem = await reply.body.text();
      // Anybody can name a certificate that does not exist: that is the sender's fault, not an outage. A redirect is
      // no better: where it leads was not in the list.
      if (isRefusal(reply.statusCode)) throw new WebhookRejected('invalid_certificate', 'There is no such certificate');
      if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
    } catch (error) {
      if (error instanceof WebhookRejected) throw error;
      const detail = 'The certificate could not be fetched';
      throw new WebhookRejected('certificate_unavailable', detail, { cause: error });
    }
    try {
      const certificate = new X509Certificate(pem);
      const { publicKey } = certificate;
      if (publicKey.asymmetricKeyType !== 'rsa') throw new Error('not an RSA key');
      return {
        key: publicKey,
        validFrom: certificate.validFromDate.getTime(),
        validTo: certificate.validToDate.getTime(),
      };
    } catch (error) {
      const detail = 'The certificate cannot be read';
      throw new WebhookRejected('invalid_certificate', detail, { cause: error });
    }
  }
}

/** A status that says no for good, rather than not now. */
const isRefusal = (status: number): boolean => status >= 300 && status < 500 && status !== 408 && status !== 429;

function forgetOldest(map: Map<string, unknown>, maximum: number): void {
  const oldest = map.keys().next().value;
  if (map.size > maximum && oldest !== undefined) map.delete(oldest);
}
