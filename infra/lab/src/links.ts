/**
 * Links: in the full profile a service reaches whatever it talks to through a proxy of its own, one for each pair, so that
 * every line of the mesh can be slowed down or cut by itself. Proxies are Toxiproxy's, called `<from>.<to>`.
 */
import { loopback } from './ports.ts';

/** Port of the stand-in's API, as an offset. */
export const toxiproxyOffset = 474;

/** The first link's port, as an offset; the others follow. */
const firstLinkOffset = 500;

/** One line of the mesh. */
export type Link = {
  /** An instance or a stand-in. */
  from: string;
  /** An instance, a stand-in or a part. */
  to: string;
  /** Where `from` connects to. */
  port: number;
  /** Where that leads: `host:port`. */
  upstream: string;
};

const standardPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'amqp:': 5672,
};

/** Hands out links in the order in which they are asked for, so that ports stay the same from start to start. */
export class Links {
  readonly #firstPort: number;
  readonly #enabled: boolean;
  readonly #links: Link[] = [];

  constructor(portBase: number, enabled: boolean) {
    this.#firstPort = portBase + firstLinkOffset;
    this.#enabled = enabled;
  }

  /** All links handed out so far. */
  all(): readonly Link[] {
    return this.#links;
  }

  /**
   * The URL by which `from` reaches `to`. It is `direct` itself without links, and where the line is encrypted: a link has
   * another name than the one in the certificate.
   */
  url(from: string, to: string, direct: string): string {
    const url = new URL(direct);
    const standardPort = standardPorts[url.protocol];
    const encrypted = !['disable', null].includes(url.searchParams.get('sslmode'));
    if (!this.#enabled || standardPort === undefined || encrypted) return direct;
    const link = this.#link(from, to, `${url.hostname}:${url.port === '' ? standardPort : url.port}`);
    url.host = `${loopback}:${link.port}`;
    // Services refuse addresses with a slash at the end, which a URL adds by itself.
    return direct.endsWith('/') ? url.href : url.href.replace(/\/$/, '');
  }

  #link(from: string, to: string, upstream: string): Link {
    const known = this.#links.find((link) => link.from === from && link.to === to);
    if (known !== undefined) return known;
    const link = { from, to, port: this.#firstPort + this.#links.length, upstream };
    this.#links.push(link);
    return link;
  }
}

/** Toxiproxy's own configuration: every link, enabled. */
export function proxiesFile(links: readonly Link[]): string {
  const proxies = links.map(({ from, to, port, upstream }) => ({
    name: `${from}.${to}`,
    listen: `${loopback}:${port}`,
    upstream,
    enabled: true,
  }));
  return `${JSON.stringify(proxies, null, 2)}\n`;
}
