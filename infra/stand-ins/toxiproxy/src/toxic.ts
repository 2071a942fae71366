/** A toxic as the API shows it. */
import type { Attributes } from './stage.ts';

export const streams = ['upstream', 'downstream'] as const;

/** The direction a toxic works in: `upstream` is what the client sends, `downstream` what it gets. */
export type Stream = (typeof streams)[number];

/** One toxic of a proxy; the same object for all its connections. */
export type Toxic = {
  readonly name: string;
  readonly type: string;
  readonly stream: Stream;
  /** Share of connections it hits. */
  toxicity: number;
  attributes: Attributes;
};
