/** Every type of toxic: the attributes it takes and the stage it makes. */
import { Type, type TObject } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Attributes, Host, Stage } from '../stage.ts';
import { Bandwidth, Latency, Slicer } from './delaying.ts';
import { Drop, LimitData, ResetPeer, SlowClose, Timeout } from './losing.ts';

/** A type of toxic. */
export type ToxicKind = {
  /** Names of its attributes; each is 0 where it is not given. */
  attributes: readonly string[];
  /** What is wrong with them; undefined when nothing is. */
  problem: (attributes: unknown) => string | undefined;
  stage: new (host: Host, attributes: Attributes) => Stage;
};

/** Milliseconds, or microseconds with the slicer: as long as a timer can be. */
const time = Type.Integer({ minimum: 0, maximum: 2_147_483_647 });
const amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

function kind(properties: TObject['properties'], stage: ToxicKind['stage']): ToxicKind {
  // Unknown attributes are ignored, as by the real one.
  const schema = Compile(Type.Partial(Type.Object(properties)));
  return {
    attributes: Object.keys(properties),
    problem: (attributes) => {
      const [error] = schema.Errors(attributes);
      return error === undefined ? undefined : `${error.instancePath.slice(1)} ${error.message}`.trim();
    },
    stage,
  };
}

/** By the name the API uses. `drop` is an extension of this stand-in. */
export const toxicKinds: ReadonlyMap<string, ToxicKind> = new Map([
  ['latency', kind({ latency: time, jitter: time }, Latency)],
  ['bandwidth', kind({ rate: amount }, Bandwidth)],
  ['slow_close', kind({ delay: time }, SlowClose)],
  ['timeout', kind({ timeout: time }, Timeout)],
  ['reset_peer', kind({ timeout: time }, ResetPeer)],
  ['slicer', kind({ average_size: amount, size_variation: amount, delay: time }, Slicer)],
  ['limit_data', kind({ bytes: amount }, LimitData)],
  ['drop', kind({}, Drop)],
]);
