/** What a saga is: states, rules, compensations. Pure data, checked for holes before it is used. */
import type { SagaDiagram } from '@ballast/contracts';

export interface StateDefinition {
  /** One sentence for whoever looks at the diagram. */
  description: string;
  /** No rule leads out of a final state (a rule may answer an event by sending something and staying). */
  final?: true;
  /** It rests until a person decides: no deadline, and only a decision leads out of it. */
  waitsForPerson?: true;
  /** If nothing has moved the saga for this long, `event` is raised. Not where it ends or rests. */
  deadline?: { seconds: number; event: string };
}

/** What one event does in one state. Exactly one rule exists for every pair of state and event. */
export type TransitionRule =
  | {
      from: string;
      on: string;
      /** The state to go to; the same state for an answer without a move. */
      to: string;
      kind: 'forward' | 'failure' | 'compensation';
      /** Commands to send. */
      send?: readonly string[];
      /** Compensations that become owed; their commands are sent, and the saga waits for each. */
      undo?: readonly string[];
      /** A compensation that this event confirms: `to` is reached when nothing more is owed. */
      settles?: string;
      /** Sends the commands of all owed compensations once more. */
      repeatOwed?: true;
    }
  /** The event came too soon: it is kept and applied as soon as a state has use for it. */
  | { from: string; on: string; early: true }
  /** The event says nothing new here; `because` tells a reader why that is safe. */
  | { from: string; on: string; ignore: true; because: string };

export interface SagaDefinition<Context extends object = object> {
  name: string;
  initial: string;
  /** Name under which the start is logged. */
  startEvent: string;
  /** Commands sent at the start. */
  startSends: readonly string[];
  states: Readonly<Record<string, StateDefinition>>;
  /** Events from outside. Deadline events need not be listed: they arise in their own state only. */
  events: readonly string[];
  /** What a person may decide where the saga waits for one; raised by `decide`, never by a message. */
  decisions?: readonly string[];
  /** By name: the command that undoes. */
  compensations: Readonly<Record<string, { command: string }>>;
  rules: readonly TransitionRule[];
  /** Body of each command, from what the saga knows. */
  commands: Readonly<Record<string, (id: string, context: Context) => object>>;
  /** What an event adds to the context, e.g. the reason of a failure. */
  learn?: Readonly<Record<string, (context: Context, body: unknown) => Context>>;
}

/** A definition whatever its context, for code that only reads the table. */
export type AnyDefinition = Omit<SagaDefinition<never>, 'learn'>;

const keyOf = (state: string, event: string): string => `${state} ${event}`;

/** Rules by state and event. */
export function indexRules(definition: AnyDefinition): ReadonlyMap<string, TransitionRule> {
  return new Map(definition.rules.map((rule) => [keyOf(rule.from, rule.on), rule]));
}

export const ruleFor = (
  rules: ReadonlyMap<string, TransitionRule>,
  state: string,
  event: string,
): TransitionRule | undefined => rules.get(keyOf(state, event));

/**
 * Finds every hole in a definition; an empty list means that it can be used. A definition is whole when each state
 * answers each event with exactly one rule, nothing leaves a final state, every other state can reach a final one and
 * has a deadline or waits for a person, every decision leads out of there and nothing else does, and every name exists.
 */
export function checkDefinition(definition: AnyDefinition): string[] {
  const holes: string[] = [];
  const states = Object.keys(definition.states);
  const seen = new Set<string>();
  const command = (name: string, where: string): void => {
    if (!Object.hasOwn(definition.commands, name)) holes.push(`${where} sends ${name}, which has no body`);
  };
  for (const name of definition.startSends) command(name, 'the start');
  for (const rule of definition.rules) {
    const where = `${rule.from} on ${rule.on}`;
    if (seen.has(where)) holes.push(`${where} has two rules`);
    seen.add(where);
    if (!states.includes(rule.from)) holes.push(`${where}: no state ${rule.from}`);
    if (!('to' in rule)) continue;
    if (!states.includes(rule.to)) holes.push(`${where}: no state ${rule.to}`);
    if (definition.states[rule.from]?.final === true && rule.to !== rule.from)
      holes.push(`${where} leaves a final state`);
    const decision = definition.decisions?.includes(rule.on) === true;
    const waits = definition.states[rule.from]?.waitsForPerson === true;
    if (waits && !decision && rule.to !== rule.from) holes.push(`${where} leaves without a decision`);
    if (decision && !waits) holes.push(`${where}: nobody is asked there`);
    for (const name of rule.send ?? []) command(name, where);
    for (const name of [...(rule.undo ?? []), ...(rule.settles === undefined ? [] : [rule.settles])]) {
      const compensation = definition.compensations[name];
      if (compensation === undefined) holes.push(`${where}: no compensation ${name}`);
      else command(compensation.command, where);
    }
  }
  for (const state of states) {
    const { final, waitsForPerson, deadline } = definition.states[state]!;
    const decisions = waitsForPerson === true ? (definition.decisions ?? []) : [];
    for (const event of [...definition.events, ...decisions, ...(deadline === undefined ? [] : [deadline.event])]) {
      if (!seen.has(`${state} on ${event}`)) holes.push(`${state} on ${event} has no rule`);
    }
    if (final === true && waitsForPerson === true) holes.push(`${state} is final and waits for a person`);
    const rests = final === true || waitsForPerson === true;
    if (rests ? deadline !== undefined : deadline === undefined) {
      const how = final === true ? 'is final' : 'waits for a person';
      holes.push(rests ? `${state} ${how} and has a deadline` : `${state} has no deadline`);
    }
    if (final !== true && !reachesEnd(definition, state)) holes.push(`${state} cannot reach an end`);
  }
  if (!states.includes(definition.initial)) holes.push(`no initial state ${definition.initial}`);
  return holes;
}

function reachesEnd(definition: AnyDefinition, start: string): boolean {
  const reached = new Set([start]);
  for (const state of reached) {
    if (definition.states[state]?.final === true) return true;
    for (const rule of definition.rules) if ('to' in rule && rule.from === state) reached.add(rule.to);
  }
  return false;
}

/** The definition as pages draw it. */
export function diagram(definition: AnyDefinition): SagaDiagram {
  return {
    name: definition.name,
    initial: definition.initial,
    states: Object.entries(definition.states).map(([name, state]) => ({
      name,
      description: state.description,
      final: state.final === true,
      deadlineSeconds: state.deadline?.seconds ?? null,
    })),
    transitions: definition.rules
      .filter((rule) => 'to' in rule)
      .map((rule) => ({
        from: rule.from,
        event: rule.on,
        to: rule.to,
        sends: [...(rule.send ?? []), ...(rule.undo ?? []).map((name) => definition.compensations[name]!.command)],
        kind: rule.kind,
      })),
  };
}
