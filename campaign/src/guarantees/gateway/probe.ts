/** How a gateway feels to a device that comes by itself: measured before something and during it, and compared. */
import { quantile } from '../lone-bff.ts';
import { pause, type GatewayBench } from './bench.ts';
import { answered, authLine, Device } from './device.ts';

/** In ms, one number for each device that came by. */
export interface Felt {
  /** From connecting to being let in. */
  handshake: number[];
  ping: number[];
  /** From sending a hundred frames to the acknowledgement that they call for. */
  acknowledgement: number[];
}

/** After so many frames the gateway acknowledges at once. */
const framesAtOnce = 100;
const pauseMs = 20;

export interface Probing {
  /** Devices that come, one after the other. */
  times: number;
  /** Go on for so long, in ms, also if more come. */
  lasting?: number;
  /** Leave telemetry out. */
  quiet?: boolean;
}

/** Sends devices by, and tells how they felt and how many frames they sent. Rejects where one is not answered. */
export async function probe(bench: GatewayBench, probing: Probing): Promise<{ felt: Felt; sent: number }> {
  const felt: Felt = { handshake: [], ping: [], acknowledgement: [] };
  const until = performance.now() + (probing.lasting ?? 0);
  let sent = 0;
  for (let time = 0; time < probing.times || performance.now() < until; time += 1) {
    const line = authLine(bench.token());
    const began = performance.now();
    const device = new Device(bench.port, line);
    const outcome = await answered('a handshake', device.outcome);
    felt.handshake.push(performance.now() - began);
    if (outcome !== 'accepted') throw new Error(`a handshake ended with ${outcome}`);
    felt.ping.push(await answered('a ping', device.ping()));
    if (probing.quiet !== true) {
      const sentAt = performance.now();
      device.send(framesAtOnce);
      await answered('an acknowledgement', device.acknowledgement());
      felt.acknowledgement.push(performance.now() - sentAt);
      sent += device.sent;
    }
    device.leave();
    await device.over;
    await pause(pauseMs);
  }
  return { felt, sent };
}

/** How much slower is still within noise. */
export interface Noise {
  factor: number;
  /** So much is noise whatever the factor, in ms. */
  floorMs: number;
}

/** Figures of both times, and a sentence about each that is slower during it than noise explains; without `noise`, none. */
export function compare(
  name: string,
  before: readonly number[],
  during: readonly number[],
  noise: Noise | undefined,
): { figures: Record<string, number>; violations: string[] } {
  const figures: Record<string, number> = {};
  const violations: string[] = [];
  for (const [label, share] of [
    ['P50', 0.5],
    ['P95', 0.95],
  ] as const) {
    const [calm, then] = [quantile(before, share), quantile(during, share)];
    figures[`${name}${label}MsBefore`] = round(calm);
    figures[`${name}${label}MsDuring`] = round(then);
    figures[`${name}${label}Ratio`] = round(then / calm);
    if (noise !== undefined && then > Math.max(calm * noise.factor, calm + noise.floorMs))
      violations.push(`latency does not change: ${name} took ${round(then)} instead of ${round(calm)} ms (${label})`);
  }
  return { figures, violations };
}

export const round = (value: number): number => Math.round(value * 100) / 100;
