/**
 * Whether a process grows: file descriptors and memory after ten minutes against those before. Load comes and goes, so what
 * is compared are the highest of ten minutes with the lowest of the next ten, at about the same load: what is still higher
 * then has not been given back.
 */

/** One look at a process. */
export interface Vitals {
  at: number;
  files: number;
  bytes: number;
  /** Requests answered since its start. */
  requests: number;
}

/** What grew. */
export interface Growth {
  what: 'file descriptors' | 'memory';
  from: number;
  to: number;
}

export interface GrowthJudge {
  /** When the baseline began, whether there is one yet, and what is beyond it. A process that was started anew begins anew. */
  look(instance: string, startedAt: number, vitals: Vitals): { since: number; ready: boolean; grown: Growth[] };
}

const baselineMs = 600_000;
/** How much higher it may be (invariant 16), and what is no growth however little there was before. */
const factor = 1.1;
const slack = { files: 8, bytes: 24 * 1024 * 1024 };
/** The load counts as another one from this factor on; below so many requests a second none does. */
const otherLoad = 2;
const idleRate = 2;

interface Track {
  startedAt: number;
  since: number;
  first: Vitals;
  last: Vitals;
  peak: { files: number; bytes: number };
  /** Requests a second while the baseline was made; undefined until it is. */
  rate: number | undefined;
  /** The lowest of the window that runs, and of the one before. */
  window: { since: number; files: number; bytes: number };
  lowest: { files: number; bytes: number } | undefined;
}

export function createGrowthJudge(): GrowthJudge {
  const tracks = new Map<string, Track>();

  const begin = (startedAt: number, vitals: Vitals): Track => ({
    startedAt,
    since: vitals.at,
    first: vitals,
    last: vitals,
    peak: { files: vitals.files, bytes: vitals.bytes },
    rate: undefined,
    window: { since: vitals.at, files: vitals.files, bytes: vitals.bytes },
    lowest: undefined,
  });

  const rateOf = (before: Vitals, after: Vitals): number =>
    ((after.requests - before.requests) / Math.max(1, after.at - before.at)) * 1_000;

  const grown = ({ peak, lowest }: Track): Growth[] => {
    if (lowest === undefined) return [];
    const found: Growth[] = [];
    if (lowest.files > peak.files * factor && lowest.files > peak.files + slack.files)
      found.push({ what: 'file descriptors', from: peak.files, to: lowest.files });
    if (lowest.bytes > peak.bytes * factor && lowest.bytes > peak.bytes + slack.bytes)
      found.push({ what: 'memory', from: peak.bytes, to: lowest.bytes });
    return found;
  };

  return {
    look: (instance, startedAt, vitals) => {
      const known = tracks.get(instance);
      const track = known?.startedAt === startedAt ? known : begin(startedAt, vitals);
      tracks.set(instance, track);
      track.last = vitals;
      if (vitals.at - track.since < baselineMs) {
        track.peak = {
          files: Math.max(track.peak.files, vitals.files),
          bytes: Math.max(track.peak.bytes, vitals.bytes),
        };
        return { since: track.since, ready: false, grown: [] };
      }
      if (track.rate === undefined) {
        track.rate = rateOf(track.first, vitals);
        track.first = vitals;
        track.window = { since: vitals.at, files: vitals.files, bytes: vitals.bytes };
      }
      const { window } = track;
      window.files = Math.min(window.files, vitals.files);
      window.bytes = Math.min(window.bytes, vitals.bytes);
      if (vitals.at - window.since >= baselineMs) {
        const rate = rateOf(track.first, vitals);
        const [slow, fast] = [Math.min(rate, track.rate), Math.max(rate, track.rate)];
        if (fast > idleRate && fast > slow * otherLoad) {
          // Another load is another baseline.
          tracks.set(instance, begin(startedAt, vitals));
          return { since: vitals.at, ready: false, grown: [] };
        }
        track.lowest = { files: window.files, bytes: window.bytes };
        track.first = vitals;
        track.window = { since: vitals.at, files: vitals.files, bytes: vitals.bytes };
      }
      return { since: track.since, ready: true, grown: grown(track) };
    },
  };
}
