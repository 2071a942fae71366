/** What a person sees of a lab: a line per component as it gets ready, and whatever goes wrong later. */
import type { LabEvent } from './events.ts';

/** The part of a terminal or pipe that is needed. */
export type Output = { write: (text: string) => unknown; isTTY?: boolean };

const clearLine = '\r\u001B[K';

/** Turns events into lines; on a terminal a last line that changes names what is still awaited. */
export class Screen {
  readonly #output: Output;
  readonly #pending = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows one line, keeping the changing one below it. */
  line(text: string): void {
    this.#output.write(`${this.#live ? clearLine : ''}${text}\n`);
    this.#showPending();
  }

  /** Shows what an event means to a person. */
  event(event: LabEvent): void {
    switch (event.type) {
      case 'progress':
        this.line(`  …        ${pad(event.component)} ${event.message}`);
        break;
      case 'log':
        this.line(`  ${event.level.padEnd(8)} ${pad(event.component)} ${event.message}`);
        break;
      case 'exit':
        this.line(
          `  died     ${pad(event.component)} ${howItEnded(event)}; starting again in ${event.restartIn / 1000} s`,
        );
        break;
      case 'state':
        this.#state(event);
        break;
    }
  }

  /** Removes the changing line for good. */
  finish(): void {
    this.#pending.clear();
    if (this.#live) this.#output.write(clearLine);
  }

  #state({ component, state, seconds, address }: LabEvent & { type: 'state' }): void {
    if (state === 'starting' || state === 'restarting') {
      this.#pending.add(component);
      this.#showPending();
      return;
    }
    this.#pending.delete(component);
    if (state === 'ready') {
      const word = this.#seen.has(component) ? 'again' : 'ready';
      this.#seen.add(component);
      this.line(`  ${word.padEnd(8)} ${pad(component)} ${`${seconds.toFixed(1)} s`.padStart(7)}  ${address}`);
    } else if (state === 'paused') {
      this.line(`  frozen   ${pad(component)} ${address}`);
    }
  }

  #showPending(): void {
    if (!this.#live || this.#pending.size === 0) return;
    this.#output.write(`${clearLine}  waiting  ${[...this.#pending].join(', ')}`.slice(0, 110));
  }

  get #live(): boolean {
    return this.#output.isTTY === true;
  }
}

function howItEnded({ code, signal, lastLine }: LabEvent & { type: 'exit' }): string {
  if (signal !== null) return `ended by ${signal}`;
  if (code !== null) return `ended with code ${code}${lastLine === '' ? '' : ` ("${lastLine.slice(0, 160)}")`}`;
  return 'did not come up again';
}

function pad(name: string): string {
  return name.padEnd(17);
}
