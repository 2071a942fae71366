/**
 * HTTP by hand over a plain socket: what a well-behaved client refuses to send can be sent, and an answer is read as
 * it comes, also when the other side stops listening in the middle of a body.
 */
import { connect } from 'node:net';

/** A request as data. Header values are sent as latin1, bodies byte for byte. */
export interface Request {
  method: string;
  path: string;
  headers?: readonly (readonly [string, string])[];
  body?: string | Buffer;
}

/** What came back. Header names are lower case; of repeated ones all values, joined by a line break. */
export interface Reply {
  status: number;
  headers: ReadonlyMap<string, string>;
  body: string;
  /** From the first byte written until the answer was whole. */
  milliseconds: number;
}

const newLine = '\r\n';

/** The bytes of a request, with `Content-Length` unless it brings its own framing. */
export function bytesOf({ method, path, headers = [], body }: Request): Buffer {
  const payload = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: ballast.test',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (body !== undefined && !framed) lines.push(`content-length: ${payload.length}`);
  return Buffer.concat([Buffer.from(lines.join(newLine) + newLine + newLine, 'latin1'), payload]);
}

/**
 * Sends `bytes` to `origin` and resolves to the first answer. `trickle`: one byte each so many milliseconds, for as long as nobody
 * answers. Rejects when nothing that can be read as an answer has come within `timeoutMs` or before the connection ended.
 */
export function exchange(
  origin: string,
  bytes: Buffer,
  options: { timeoutMs?: number; isHead?: boolean; trickleMs?: number; halfClose?: boolean } = {},
): Promise<Reply> {
  const { timeoutMs = 10_000, isHead = false, trickleMs, halfClose = false } = options;
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
    let received = Buffer.alloc(0);
    let trouble: Error | undefined;
    let trickle: NodeJS.Timeout | undefined;
    const finish = (reply: Reply | null): void => {
      clearTimeout(timer);
      clearInterval(trickle);
      socket.destroy();
      if (reply !== null) resolve(reply);
      else
        reject(
          new Error(`no answer, but ${JSON.stringify(received.toString('latin1').slice(0, 300))}`, { cause: trouble }),
        );
    };
    const timer = setTimeout(() => {
      trouble = new Error(`nothing within ${timeoutMs} ms`);
      finish(null);
    }, timeoutMs);
    const read = (ended: boolean): Reply | null =>
      parse(received, { isHead, ended, milliseconds: performance.now() - started });

    socket.on('connect', () => {
      let sent = 0;
      // In pieces, so that a server that answers early is heard before everything has been pushed into the socket.
      const push = (): void => {
        while (sent < bytes.length && received.length === 0 && socket.writable) {
          const piece = bytes.subarray(sent, sent + (trickleMs === undefined ? 65_536 : 1));
          sent += piece.length;
          if (!socket.write(piece) || trickleMs !== undefined) return;
        }
        if (sent >= bytes.length && halfClose) socket.end();
      };
      if (trickleMs === undefined) socket.on('drain', push);
      else trickle = setInterval(push, trickleMs);
      push();
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, typeof chunk === 'string' ? Buffer.from(chunk) : chunk]);
      const reply = read(false);
      if (reply !== null) finish(reply);
    });
    // A server that has answered may close on what is still being sent; the answer counts, not the broken pipe.
    socket.on('error', (error) => (trouble = error));
    socket.on('end', () => finish(read(true)));
    socket.on('close', () => finish(read(true)));
  });
}

/** The first whole answer in `bytes`; null while there is none. Interim answers (1xx) are skipped. */
function parse(bytes: Buffer, state: { isHead: boolean; ended: boolean; milliseconds: number }): Reply | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split(newLine);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) return null;
  const rest = bytes.subarray(end + 4);
  if (status < 200) return parse(rest, state);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase();
    const value = line.slice(line.indexOf(':') + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}\n${value}` : value);
  }
  const body = state.isHead || status === 204 || status === 304 ? '' : bodyOf(rest, headers, state.ended);
  return body === null ? null : { status, headers, body, milliseconds: state.milliseconds };
}

function bodyOf(rest: Buffer, headers: ReadonlyMap<string, string>, ended: boolean): string | null {
  const length = headers.get('content-length');
  if (length !== undefined) return rest.length >= Number(length) ? rest.toString('utf8', 0, Number(length)) : null;
  if (headers.get('transfer-encoding') !== 'chunked') return ended ? rest.toString('utf8') : null;
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf(newLine, at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    if (size === 0) return Buffer.concat(chunks).toString('utf8');
    if (rest.length < lineEnd + 2 + size + 2) return null;
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
