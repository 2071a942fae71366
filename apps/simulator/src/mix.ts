/** Which devices there are: a mix of scenarios by weight, and who plays which of them. */
import { Problem } from './problem.ts';
import { scenarios } from './scenarios/index.ts';

/** Weights by scenario, in the order in which they were given. */
export type Mix = readonly { scenario: string; weight: number }[];

/** Mostly good devices, and some of every other kind. */
export const usualMix = scenarios.map(({ name }) => `${name}=${name === 'valid' ? 62 : 2}`).join(',');

const names = scenarios.map(({ name }) => name);

/** Reads `valid=80,expired=5,…`; a name without a weight has one of 1, and `all` stands for all that are not named. */
export function readMix(text: string): Mix {
  const weights = new Map<string, number>();
  let others: number | undefined;
  for (const part of text.split(',').map((each) => each.trim())) {
    const [name = '', weightText = '1', ...more] = part.split('=');
    const weight = weightText === '' ? Number.NaN : Number(weightText);
    if (more.length > 0 || !Number.isFinite(weight) || weight < 0 || weight > 1_000_000)
      throw new Problem(`--mix: "${part}" should be name=weight, with a weight from 0 to 1000000`);
    if (name !== 'all' && !names.includes(name))
      throw new Problem(`--mix: there is no scenario "${name}"; there are ${names.join(', ')}, and all`);
    if (weights.has(name) || (name === 'all' && others !== undefined))
      throw new Problem(`--mix: "${name}" stands there twice`);
    if (name === 'all') others = weight;
    else weights.set(name, weight);
  }
  if (others !== undefined) for (const name of names) if (!weights.has(name)) weights.set(name, others);
  const mix = [...weights].map(([scenario, weight]) => ({ scenario, weight })).filter(({ weight }) => weight > 0);
  if (mix.length === 0) throw new Problem('--mix: at least one scenario needs a weight above 0');
  return mix;
}

/** How many devices play each scenario, in the order of the report: by weight, and at least one each. */
export function allot(mix: Mix, devices: number): { scenario: string; devices: number }[] {
  if (devices < mix.length)
    throw new Problem(`--devices: ${devices} are too few for a mix of ${mix.length} scenarios, which need one each`);
  const sum = mix.reduce((all, { weight }) => all + weight, 0);
  // Largest remainders (Hamilton), with one device where the weight alone would give none.
  const shares = mix.map(({ scenario, weight }) => {
    const exact = (devices * weight) / sum;
    return { scenario, devices: Math.max(1, Math.floor(exact)), remainder: exact < 1 ? -1 : exact % 1 };
  });
  let left = devices - shares.reduce((all, share) => all + share.devices, 0);
  for (const share of shares.toSorted((one, other) => other.remainder - one.remainder)) {
    if (left <= 0) break;
    share.devices += 1;
    left -= 1;
  }
  // What the small ones were given beyond their weight, the largest go without.
  for (; left < 0; left += 1)
    shares.reduce((most, share) => (share.devices > most.devices ? share : most)).devices -= 1;
  return names
    .flatMap((name) => shares.filter(({ scenario }) => scenario === name))
    .map(({ scenario, devices }) => ({ scenario, devices }));
}

/** Of all devices, numbered through, those of one thread of one process. */
export function partOf(
  allotted: readonly { scenario: string; devices: number }[],
  part: { process: number; processes: number; thread: number; threads: number },
): { scenario: string; number: number }[] {
  const mine: { scenario: string; number: number }[] = [];
  let index = 0;
  for (const { scenario, devices } of allotted) {
    for (let number = 1; number <= devices; number += 1, index += 1) {
      if (index % part.processes !== part.process) continue;
      if (Math.floor(index / part.processes) % part.threads === part.thread) mine.push({ scenario, number });
    }
  }
  return mine;
}
