/** From a fault on a link, as people name it, to what Toxiproxy is told. https://github.com/Shopify/toxiproxy#toxics */
import type { FaultRequest, ToxicType } from '@ballast/contracts';

export type LinkRequest = Extract<FaultRequest, { kind: 'link' }>;

/** What each toxic may be told, with what it is told where nothing is said. `slicer`'s delay is in microseconds. */
const toxicAttributes: Readonly<Record<ToxicType, Readonly<Record<string, number>>>> = {
  latency: { latency: 500, jitter: 0 },
  down: {},
  bandwidth: { rate: 8 },
  slow_close: { delay: 2_000 },
  timeout: { timeout: 1_000 },
  reset_peer: { timeout: 0 },
  slicer: { average_size: 64, size_variation: 32, delay: 1_000 },
  limit_data: { bytes: 2_048 },
  drop: {},
};

/** `disable` ends all connections and refuses new ones: that is no toxic, it is the proxy that is switched off. */
export type LinkEffect =
  | { how: 'disable' }
  | {
      how: 'toxic';
      type: string;
      stream: 'upstream' | 'downstream';
      toxicity: number;
      attributes: Record<string, number>;
    };

/** What is to be done to every link of the fault. */
export function linkEffect({ toxic, stream, toxicity, attributes }: LinkRequest): LinkEffect {
  if (toxic === 'down') return { how: 'disable' };
  const common = { how: 'toxic' as const, stream: stream ?? 'downstream', toxicity: toxicity ?? 1 };
  // Toxiproxy's timeout of 0 lets nothing through and closes nothing.
  if (toxic === 'drop') return { ...common, type: 'timeout', attributes: { timeout: 0 } };
  return { ...common, type: toxic, attributes: { ...toxicAttributes[toxic], ...attributes } };
}

/** An attribute that the toxic does not know; undefined where all are known. */
export function strangeAttribute({ toxic, attributes }: LinkRequest): string | undefined {
  return Object.keys(attributes ?? {}).find((name) => toxicAttributes[toxic][name] === undefined);
}
