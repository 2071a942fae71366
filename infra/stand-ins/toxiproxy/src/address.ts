/** `host:port` as Toxiproxy writes it: `127.0.0.1:26379`, `localhost:0`, `[::1]:80`, `:8080`. */

/** Where to listen or connect. */
export type Address = { host: string; port: number };

/** Reads an address; undefined when it is none. An empty host means every address of this machine. */
export function parseAddress(text: string): Address | undefined {
  const found = /^(?:\[([0-9a-fA-F:.%a-z]{2,64})\]|([^[\]:\s/]{0,253})):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port > 65_535) return undefined;
  return { host: found[1] ?? found[2] ?? '', port };
}

/** The other way round. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
