/** What can go wrong with a message, and whether trying again helps. */

/** The broker did not take the message: not connected, no confirm in time, refused, or no queue to route it to. */
export class PublishFailed extends Error {
  readonly retryable = true;
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(`not published: ${reason}`, options);
    this.name = 'PublishFailed';
  }
}

/** Thrown by a handler for a message that no retry can help: it goes to the dead letters at once. */
export class Terminal extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'Terminal';
  }
}
