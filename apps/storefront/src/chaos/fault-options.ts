/** Everything that can be done to what somebody has chosen in the drawing, from what the mesh says can be broken. Pure. */
import type { FaultTargets, PartAction } from '@ballast/contracts';
import { linkOptions } from './link-options.ts';
import { momentary, outboxPoint, tickPoint } from './names.ts';
import type { FaultOption, Values } from './options.ts';

export type Target =
  | { kind: 'node'; name: string }
  | { kind: 'link'; from: string; to: string }
  /** The negative controls; only that invariant's where one is given. */
  | { kind: 'controls'; invariant: number | null };

/** Options that belong together, under a heading. */
export type OptionGroup = { title: string; note: string; options: FaultOption[] };

/** The options for a target, in groups; groups without any are left out. */
export function optionsFor(target: Target, targets: FaultTargets): OptionGroup[] {
  const groups =
    target.kind === 'node'
      ? nodeGroups(target.name, targets)
      : target.kind === 'link'
        ? [{ title: 'Break this link', note: '', options: linkOptions(target.from, target.to) }]
        : [controlGroup(target.invariant, targets)];
  return groups.filter(({ options }) => options.length > 0);
}

/** What the target is called. */
export function targetName(target: Target): string {
  if (target.kind === 'node') return target.name;
  if (target.kind === 'link') return `${target.from} → ${target.to}`;
  return 'Negative controls';
}

function nodeGroups(name: string, targets: FaultTargets): OptionGroup[] {
  const instance = targets.instances.find((known) => known.instance === name);
  const points = instance?.points ?? [];
  const leases = targets.links.some(({ from, to }) => from === name && to === 'vault');
  const process = instance === undefined || !points.includes(tickPoint) ? [] : processOptions(name);
  return [
    { title: 'The process', note: '', options: process },
    { title: 'The part', note: '', options: partOptions(name, targets, (action) => action.startsWith(`${name}.`)) },
    {
      title: 'At a point of its work',
      note: '',
      options: points.some((point) => point !== tickPoint) ? [pointOption(name, points)] : [],
    },
    { title: 'All its links', note: '', options: allLinks(name, targets) },
    {
      title: 'Its leases and messages',
      note: '',
      options:
        instance === undefined
          ? []
          : partOptions(
              name,
              targets,
              (action) =>
                (action.startsWith('message.') && points.includes(outboxPoint)) ||
                (action === 'vault.revoke-leases' && leases),
              name,
            ),
    },
  ];
}

function processOptions(instance: string): FaultOption[] {
  return [
    {
      id: `${instance}.crash`,
      label: 'Kill it',
      note: 'The process dies at once. Whoever supervises it starts it again.',
      lasts: false,
      inputs: [],
      unavailable: null,
      build: (_values, seconds) => ({ kind: 'point', instance, point: tickPoint, action: 'crash', times: 1, seconds }),
    },
    {
      id: `${instance}.freeze`,
      label: 'Freeze it',
      note: 'The process stands still, with all its connections open, and goes on afterwards as if nothing had been.',
      lasts: true,
      inputs: [],
      unavailable: null,
      build: (_values, seconds) => ({ kind: 'point', instance, point: tickPoint, action: 'freeze', times: 1, seconds }),
    },
  ];
}

const hasLength = (values: Values): boolean => values['action'] === 'delay' || values['action'] === 'freeze';

function pointOption(instance: string, points: readonly string[]): FaultOption {
  const choices = points.filter((point) => point !== tickPoint).map((point) => ({ value: point, label: point }));
  return {
    id: `${instance}.point`,
    label: 'Fail at a point',
    note: 'Each time its work passes that point, or the first few times.',
    lasts: true,
    inputs: [
      { kind: 'choice', name: 'point', label: 'Point', choices },
      {
        kind: 'choice',
        name: 'action',
        label: 'What happens',
        choices: [
          { value: 'error', label: 'it fails' },
          { value: 'delay', label: 'it is late' },
          { value: 'crash', label: 'the process dies' },
          { value: 'freeze', label: 'the process stands still' },
        ],
      },
      {
        kind: 'number',
        name: 'milliseconds',
        label: 'For',
        unit: 'ms',
        min: 1,
        max: 60_000,
        initial: 500,
        when: hasLength,
      },
      {
        kind: 'number',
        name: 'times',
        label: 'The first (0: every time)',
        unit: 'times',
        min: 0,
        max: 1_000_000,
        initial: 0,
      },
    ],
    unavailable: null,
    build: (values, seconds) => ({
      kind: 'point',
      instance,
      point: String(values['point']),
      action: values['action'] as 'error' | 'delay' | 'crash' | 'freeze',
      ...(hasLength(values) ? { milliseconds: Number(values['milliseconds']) } : {}),
      ...(Number(values['times']) > 0 ? { times: Number(values['times']) } : {}),
      seconds,
    }),
  };
}

const partNotes: Record<PartAction, string> = {
  'postgres.end-backends': 'Every connection of the services ends at once, in the middle of whatever it was doing.',
  'rabbitmq.close-connections': 'The broker closes every connection at once.',
  'rabbitmq.memory-alarm': 'The broker takes no messages, and confirms never come.',
  'redis.flush': 'Everything in Redis is gone at once.',
  'redis.freeze': 'Redis answers nobody while connections stay open.',
  'vault.seal': 'Vault answers nobody until it is unsealed at the end.',
  'vault.revoke-leases': 'The database logins are revoked long before their time.',
  'message.poison': 'A message that cannot be read is put into its queue. It must end among the dead letters.',
  'message.duplicate': 'The messages told last are told again. Nothing may happen twice.',
};

function partOptions(
  name: string,
  targets: FaultTargets,
  belongs: (action: PartAction) => boolean,
  instance?: string,
): FaultOption[] {
  return targets.parts
    .filter(({ action }) => belongs(action))
    .map(({ action, title, unavailable }) => ({
      id: `${name}.${action}`,
      label: title,
      note: partNotes[action],
      lasts: !momentary.has(action),
      inputs: [],
      unavailable,
      build: (_values, seconds) => ({
        kind: 'part',
        action,
        ...(instance === undefined ? {} : { instance }),
        seconds,
      }),
    }));
}

function allLinks(name: string, targets: FaultTargets): FaultOption[] {
  const pick = (from: string, to: string, label: string): FaultOption[] =>
    linkOptions(from, to)
      .filter(({ id }) => /\.(down|latency|timeout)$/.test(id))
      .map((option) => ({ ...option, label: `${label}: ${option.label.toLowerCase()}` }));
  return [
    ...(targets.links.some(({ from }) => from === name) ? pick(name, '*', 'All it calls') : []),
    ...(targets.links.some(({ to }) => to === name) ? pick('*', name, 'All who call it') : []),
  ];
}

function controlGroup(invariant: number | null, targets: FaultTargets): OptionGroup {
  return {
    title: 'Negative controls',
    note: 'These switch a safeguard off, so that the board must turn red. They prove that it can.',
    options: targets.controls
      .filter((control) => invariant === null || control.invariant === invariant)
      .toSorted((left, right) => left.invariant - right.invariant)
      .map(({ control, title, invariant: number }) => ({
        id: `control.${control}`,
        label: `Invariant ${number}: ${title}`,
        note: `Invariant ${number} must turn red while it lasts, and hold again afterwards.`,
        lasts: true,
        inputs: [],
        unavailable: null,
        build: (_values, seconds) => ({ kind: 'control', control, seconds }),
      })),
  };
}
