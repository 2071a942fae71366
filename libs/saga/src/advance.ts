/** Deciding: what an event does to an instance. Pure; no clock, no database, no broker. */
import { indexRules, ruleFor, type AnyDefinition, type SagaDefinition, type TransitionRule } from './definition.ts';

/** An instance as it is stored. */
export interface Instance<Context extends object> {
  id: string;
  state: string;
  version: number;
  context: Context;
  /** Names of compensations asked for and not yet confirmed. */
  owed: readonly string[];
  /** Events that came before their time, oldest first. */
  early: readonly { event: string; body: unknown }[];
}

export interface SagaEvent {
  event: string;
  body: unknown;
}

/** One line of the log. */
export interface TransitionRecord {
  seq: number;
  from: string | null;
  event: string;
  to: string;
}

/** The outcome of an event: what to store, what to log, what to send. */
export interface Advance<Context extends object> {
  instance: Instance<Context>;
  transitions: TransitionRecord[];
  /** Command types, in the order to send them. */
  commands: string[];
}

/** A new instance, its first log line and its first commands. */
export function begin<Context extends object>(
  definition: SagaDefinition<Context>,
  id: string,
  context: Context,
): Advance<Context> {
  return {
    instance: { id, state: definition.initial, version: 1, context, owed: [], early: [] },
    transitions: [{ seq: 1, from: null, event: definition.startEvent, to: definition.initial }],
    commands: [...definition.startSends],
  };
}

const indexes = new WeakMap<object, ReadonlyMap<string, TransitionRule>>();

function rulesOf(definition: AnyDefinition): ReadonlyMap<string, TransitionRule> {
  let rules = indexes.get(definition);
  if (rules === undefined) {
    rules = indexRules(definition);
    indexes.set(definition, rules);
  }
  return rules;
}

/**
 * Applies an event, and then every event kept from before that the new state has use for. Null: nothing changes, the
 * event can be acknowledged. Throws where the definition has no rule, which `checkDefinition` makes impossible for
 * the events it lists.
 */
export function advance<Context extends object>(
  definition: SagaDefinition<Context>,
  instance: Instance<Context>,
  event: SagaEvent,
): Advance<Context> | null {
  const rules = rulesOf(definition);
  const rule = ruleFor(rules, instance.state, event.event);
  if (rule === undefined) throw new Error(`${definition.name}: ${instance.state} has no rule for ${event.event}`);
  if ('ignore' in rule) return null;
  if ('early' in rule) {
    // One of a kind is enough: a second says the same.
    if (instance.early.some((kept) => kept.event === event.event)) return null;
    const kept = {
      ...instance,
      version: instance.version + 1,
      early: [...instance.early, { event: event.event, body: event.body }],
    };
    return {
      instance: kept,
      transitions: [{ seq: kept.version, from: instance.state, event: event.event, to: instance.state }],
      commands: [],
    };
  }

  const result = move(definition, instance, event, rule);
  for (let index = 0; index < result.instance.early.length;) {
    const kept = result.instance.early[index]!;
    const next = ruleFor(rules, result.instance.state, kept.event);
    if (next === undefined || 'early' in next) {
      index += 1;
      continue;
    }
    const without = { ...result.instance, early: result.instance.early.filter((_, other) => other !== index) };
    const applied =
      'ignore' in next ? { instance: without, transitions: [], commands: [] } : move(definition, without, kept, next);
    result.instance = applied.instance;
    result.transitions.push(...applied.transitions);
    result.commands.push(...applied.commands);
    index = 0;
  }
  return result;
}

function move<Context extends object>(
  definition: SagaDefinition<Context>,
  instance: Instance<Context>,
  event: SagaEvent,
  rule: Extract<TransitionRule, { to: string }>,
): Advance<Context> {
  const undo = rule.undo ?? [];
  const owed = new Set([...instance.owed, ...undo]);
  if (rule.settles !== undefined) owed.delete(rule.settles);
  const waits = rule.settles !== undefined && owed.size > 0;
  const to = waits ? instance.state : rule.to;
  const again = rule.repeatOwed === true ? instance.owed : [];
  const learn = definition.learn?.[event.event];
  const version = instance.version + 1;
  return {
    instance: {
      ...instance,
      state: to,
      version,
      context: learn === undefined ? instance.context : learn(instance.context, event.body),
      owed: [...owed],
    },
    transitions: [{ seq: version, from: instance.state, event: event.event, to }],
    // What becomes owed and was owed already is asked for once.
    commands: [
      ...(rule.send ?? []),
      ...[...new Set([...undo, ...again])].map((name) => definition.compensations[name]!.command),
    ],
  };
}
