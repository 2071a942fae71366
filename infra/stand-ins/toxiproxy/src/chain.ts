/** The toxics of one direction of one connection, in the order they were added, each deciding anew whether it is hit. */
import type { Host, Receiver, Stage } from './stage.ts';
import type { Toxic } from './toxic.ts';
import { toxicKinds } from './toxics/kinds.ts';

type Entry = { toxic: Toxic; stage: Stage | undefined };

/** Where bytes enter is {@link first}; undefined means that no toxic hits this connection and they go straight on. */
export class Chain {
  readonly #host: Host;
  readonly #last: Receiver;
  #entries: Entry[];
  first: Receiver | undefined;

  constructor(host: Host, last: Receiver, toxics: readonly Toxic[]) {
    this.#host = host;
    this.#last = last;
    this.#entries = toxics.map((toxic) => ({ toxic, stage: this.#drawn(toxic) }));
    this.#link();
  }

  add(toxic: Toxic): void {
    this.#entries.push({ toxic, stage: this.#drawn(toxic) });
    this.#link();
  }

  /** The toxic was changed. With `redraw`, because its toxicity is another, it is drawn anew whether this connection is hit. */
  update(toxic: Toxic, redraw: boolean): void {
    const entry = this.#entries.find((candidate) => candidate.toxic === toxic);
    if (entry === undefined) return;
    const hits = redraw ? isHit(toxic) : entry.stage !== undefined;
    if (hits && entry.stage !== undefined) {
      entry.stage.update(toxic.attributes);
    } else if (hits) {
      entry.stage = this.#made(toxic);
      this.#link();
    } else {
      this.#retire(entry);
    }
  }

  remove(toxic: Toxic): void {
    const entry = this.#entries.find((candidate) => candidate.toxic === toxic);
    if (entry === undefined) return;
    this.#entries = this.#entries.filter((candidate) => candidate !== entry);
    this.#retire(entry);
  }

  dispose(): void {
    for (const { stage } of this.#entries) stage?.dispose();
  }

  #link(): void {
    const stages = this.#entries.flatMap(({ stage }) => (stage === undefined ? [] : [stage]));
    for (const [index, stage] of stages.entries()) stage.next = stages[index + 1] ?? this.#last;
    this.first = stages[0];
  }

  #retire(entry: Entry): void {
    const { stage } = entry;
    entry.stage = undefined;
    this.#link();
    // It still points to what comes after it: what it held goes on before anything newer.
    stage?.release();
    stage?.dispose();
  }

  #drawn(toxic: Toxic): Stage | undefined {
    return isHit(toxic) ? this.#made(toxic) : undefined;
  }

  #made(toxic: Toxic): Stage | undefined {
    const kind = toxicKinds.get(toxic.type);
    return kind === undefined ? undefined : new kind.stage(this.#host, toxic.attributes);
  }
}

function isHit(toxic: Toxic): boolean {
  return Math.random() < toxic.toxicity;
}
