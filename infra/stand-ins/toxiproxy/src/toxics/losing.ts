/** The toxics that lose bytes or end connections: `timeout`, `reset_peer`, `limit_data`, and our own `drop`. */
import { Stage, type Attributes, type Host } from '../stage.ts';

/**
 * Nothing passes. After `timeout` ms without a further chunk the connection is closed; 0: it stays open. Whatever came
 * meanwhile is lost, and so a connection is closed when the toxic goes.
 */
export class Timeout extends Stage {
  #timer: NodeJS.Timeout | undefined;

  constructor(host: Host, attributes: Attributes) {
    super(host, attributes);
    this.#arm();
  }

  push(): void {
    this.#arm();
  }

  end(closing: boolean): void {
    this.next.end(closing);
  }

  override update(attributes: Attributes): void {
    super.update(attributes);
    this.#arm();
  }

  release(): void {
    this.next.end(true);
  }

  override dispose(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const timeout = this.attribute('timeout');
    if (timeout > 0) this.#timer = setTimeout(() => this.next.end(true), timeout);
  }
}

/** `timeout` ms after the first chunk, or the end, both sides are reset. What came is lost. */
export class ResetPeer extends Stage {
  #timer: NodeJS.Timeout | undefined;

  push(): void {
    this.#timer ??= setTimeout(() => this.host.reset(), this.attribute('timeout'));
  }

  end(): void {
    this.push();
  }

  release(): void {
    if (this.#timer !== undefined) this.host.reset();
  }

  override dispose(): void {
    clearTimeout(this.#timer);
  }
}

/** Closes the connection after `bytes` bytes, counted for as long as the toxic is there. */
export class LimitData extends Stage {
  #passed = 0;

  push(chunk: Buffer): void {
    const left = this.attribute('bytes') - this.#passed;
    const part = left < chunk.length ? chunk.subarray(0, Math.max(0, left)) : chunk;
    if (part.length > 0) {
      this.#passed += part.length;
      this.next.push(part);
    }
    if (this.#passed >= this.attribute('bytes')) this.next.end(true);
  }

  end(closing: boolean): void {
    this.next.end(closing);
  }

  release(): void {
    // It holds nothing.
  }
}

/** What follows the end of the sender's side arrives `delay` ms later: the other side learns late that it is over. */
export class SlowClose extends Stage {
  #ending: { closing: boolean; timer: NodeJS.Timeout } | undefined;

  push(chunk: Buffer): void {
    this.next.push(chunk);
  }

  end(closing: boolean): void {
    this.#ending = { closing, timer: setTimeout(() => this.release(), this.attribute('delay')) };
  }

  override update(attributes: Attributes): void {
    super.update(attributes);
    this.dispose();
    if (this.#ending !== undefined) this.end(this.#ending.closing);
  }

  release(): void {
    this.dispose();
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending !== undefined) this.next.end(ending.closing);
  }

  override dispose(): void {
    clearTimeout(this.#ending?.timer);
  }
}

/**
 * Not Toxiproxy's: an extension. The bytes of this direction vanish while the connection stays, as with a network that
 * carries one way only. TCP never delivers a stream with a hole, so a connection that has lost something is reset when the
 * toxic goes; one that has lost nothing goes on.
 */
export class Drop extends Stage {
  #lost = false;

  push(): void {
    this.#lost = true;
  }

  end(closing: boolean): void {
    this.next.end(closing);
  }

  release(): void {
    if (this.#lost) this.host.reset();
  }
}
