/** W3C trace context (https://www.w3.org/TR/trace-context/): taken from callers, handed to whatever is called. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const storage = new AsyncLocalStorage<string>();
const shape = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The current span's `traceparent`; undefined outside `runInTrace`. */
export function currentTraceparent(): string | undefined {
  return storage.getStore();
}

/** A `traceparent` for a call made now: same trace, a new span id. Starts a trace where there is none. */
export function outgoingTraceparent(): string {
  return childOf(storage.getStore());
}

/** Runs `work` in a span of the caller's trace; `incoming` is the header as received and may be anything. */
export function runInTrace<Result>(incoming: string | undefined, work: () => Result): Result {
  return storage.run(childOf(incoming), work);
}

function childOf(parent: string | undefined): string {
  const spanId = randomHex(8);
  if (parent !== undefined && parent.length === 55 && shape.test(parent)) {
    return `00-${parent.slice(3, 35)}-${spanId}-${parent.slice(53)}`;
  }
  return `00-${randomHex(16)}-${spanId}-01`;
}

// Random bytes are drawn by the page: one call into the kernel serves some five hundred ids.
let pool = Buffer.alloc(0);
let used = 0;
function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(4096);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}
