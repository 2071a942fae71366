/** How links can be broken: Toxiproxy's toxics and `drop`, with their attributes. Pure. */
import type { ToxicType } from '@ballast/contracts';
import { toxics } from './names.ts';
import type { FaultOption, Input, Values } from './options.ts';

type Toxic = {
  label: string;
  note: string;
  /** Attributes by Toxiproxy's names. */
  attributes: readonly Input[];
  /** Whether it acts in one direction. `down` knows none. */
  directed: boolean;
};

const number = (name: string, label: string, unit: string, initial: number, max: number, min = 0): Input => ({
  kind: 'number',
  name,
  label,
  unit,
  min,
  max,
  initial,
});

const table: Record<ToxicType, Toxic> = {
  down: { label: 'Cut', note: 'Connections end, and new ones are refused.', attributes: [], directed: false },
  latency: {
    label: 'Slow',
    note: 'Every byte comes later.',
    attributes: [number('latency', 'Later by', 'ms', 400, 30_000), number('jitter', 'Give or take', 'ms', 100, 10_000)],
    directed: true,
  },
  timeout: {
    label: 'Silence',
    note: 'Nothing arrives; after the time given the connection is closed. With 0 it stays open and silent.',
    attributes: [number('timeout', 'Close after', 'ms', 0, 60_000)],
    directed: true,
  },
  reset_peer: {
    label: 'Reset',
    note: 'Connections end with a reset, as from a machine that died.',
    attributes: [number('timeout', 'After', 'ms', 0, 60_000)],
    directed: true,
  },
  drop: {
    label: 'Lose one direction',
    note: 'What goes one way vanishes while the connection stays.',
    attributes: [],
    directed: true,
  },
  bandwidth: {
    label: 'Narrow',
    note: 'No more than so much a second gets through.',
    attributes: [number('rate', 'At most', 'KB/s', 16, 100_000, 1)],
    directed: true,
  },
  slicer: {
    label: 'Cut to pieces',
    note: 'What is sent arrives in small pieces.',
    attributes: [
      number('average_size', 'Pieces of', 'bytes', 64, 100_000, 2),
      number('size_variation', 'Give or take', 'bytes', 32, 100_000),
      number('delay', 'Between them', 'µs', 1_000, 1_000_000),
    ],
    directed: true,
  },
  limit_data: {
    label: 'End after some bytes',
    note: 'The connection is closed in the middle of what is being said.',
    attributes: [number('bytes', 'After', 'bytes', 4_096, 100_000_000, 1)],
    directed: true,
  },
  slow_close: {
    label: 'Close late',
    note: 'Ends are told late, so that connections linger.',
    attributes: [number('delay', 'Later by', 'ms', 2_000, 60_000)],
    directed: true,
  },
};

/** A toxic's short name, as it stands on a link. */
export function toxicLabel(toxic: string): string {
  return (table as Record<string, Toxic | undefined>)[toxic]?.label.toLowerCase() ?? toxic;
}

const share: Input = number('share', 'Of the connections', '%', 100, 100, 1);

/** Every toxic for a link; either end may be `*`. */
export function linkOptions(from: string, to: string): FaultOption[] {
  return toxics.map((toxic) => {
    const { label, note, attributes, directed } = table[toxic];
    const answers = to === '*' ? 'others send' : `${to} sends`;
    const questions = from === '*' ? 'others send' : `${from} sends`;
    const direction: Input = {
      kind: 'choice',
      name: 'stream',
      label: 'Hits what',
      choices: [
        { value: 'downstream', label: answers },
        { value: 'upstream', label: questions },
      ],
    };
    return {
      id: `link.${from}.${to}.${toxic}`,
      label,
      note,
      lasts: true,
      inputs: directed ? [...attributes, direction, share] : [],
      unavailable: null,
      build: (values: Values, seconds: number) => ({
        kind: 'link',
        from,
        to,
        toxic,
        ...(directed ? { stream: values['stream'] === 'upstream' ? 'upstream' : 'downstream' } : {}),
        ...(directed && Number(values['share']) < 100 ? { toxicity: Number(values['share']) / 100 } : {}),
        ...(attributes.length === 0
          ? {}
          : { attributes: Object.fromEntries(attributes.map(({ name }) => [name, Number(values[name])])) }),
        seconds,
      }),
    };
  });
}
