/** A call as a line for a shell, with a bearer token in the place of the page's cookie. Pure. */

export type CurlCall = {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the origin; `$NAME` stands for what the reader has to fill in. */
  path: string;
  body?: unknown;
  /** The call needs a fresh idempotency key. */
  idempotent?: boolean;
  /** Show the answer's head as well: the point of the call is in it. */
  head?: boolean;
  /** Nobody needs to be signed in for it. */
  open?: boolean;
};

/** The command. `origin` is the bff's, e.g. `http://127.0.0.1:4000`. */
export function curlCommand(origin: string, call: CurlCall): string {
  const method = call.method ?? 'GET';
  const parts = [`curl ${call.head === true ? '-si' : '-s'}${method === 'GET' ? '' : ` -X ${method}`}`];
  parts.push(doubleQuoted(origin + call.path));
  if (call.open !== true) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (call.idempotent === true) parts.push('-H "Idempotency-Key: $(uuidgen)"');
  if (call.body !== undefined) {
    parts.push(`-H 'content-type: application/json'`, `-d ${bodyText(call.body)}`);
  }
  return parts.join(' \\\n  ');
}

/** Within double quotes a shell still fills in `$NAME`; nothing else may mean anything to it. */
function doubleQuoted(text: string): string {
  return `"${text.replaceAll(/["\\`]/g, String.raw`\$&`)}"`;
}

function bodyText(body: unknown): string {
  const text = JSON.stringify(body);
  // With a place to fill in, the shell has to see it.
  if (/\$[A-Z]/.test(text)) return doubleQuoted(text);
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
