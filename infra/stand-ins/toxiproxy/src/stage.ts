/** What toxics are made of: stages that the bytes of one direction of one connection pass, one after the other. */

/** Where bytes go next: a stage, or the socket at the end of the chain. */
export type Receiver = {
  push: (chunk: Buffer) => void;
  /** Nothing follows. The sender has closed its side, or (`closing`) the whole connection ends once what was passed on is written. */
  end: (closing: boolean) => void;
};

/** What a stage may ask of the connection it works in. */
export type Host = {
  /** Bytes it has begun (positive) or ceased (negative) to hold. While too many are held the sender is not read from. */
  hold: (bytes: number) => void;
  /** Resets both sides at once (RST). */
  reset: () => void;
};

/** A toxic's attributes by Toxiproxy's names; checked against the toxic's own schema before they get here. */
export type Attributes = Readonly<Record<string, number>>;

/** One toxic at work in one direction of one connection. */
export abstract class Stage implements Receiver {
  /** Set by the chain, before anything is pushed. */
  next: Receiver = nowhere;
  protected readonly host: Host;
  protected attributes: Attributes;

  constructor(host: Host, attributes: Attributes) {
    this.host = host;
    this.attributes = attributes;
  }

  abstract push(chunk: Buffer): void;
  abstract end(closing: boolean): void;

  /** The toxic was changed. */
  update(attributes: Attributes): void {
    this.attributes = attributes;
  }

  /** The toxic was removed: passes on what it holds, in order, and does no more. */
  abstract release(): void;

  /** The connection is gone: stops timers. */
  dispose(): void {
    // Most stages have none.
  }

  protected attribute(name: string): number {
    return this.attributes[name] ?? 0;
  }
}

const nowhere: Receiver = {
  push: () => {
    throw new Error('A stage was used before it was part of a chain.');
  },
  end: () => undefined,
};
