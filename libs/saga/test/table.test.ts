import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advance, begin, checkDefinition, diagram } from '../src/index.ts';
import { asking, trip } from './trip.ts';

describe('a saga definition', () => {
  it('is accepted when it is whole', () => {
    assert.deepEqual(checkDefinition(trip), []);
  });

  it('is refused with every hole named', () => {
    const holes = (change: Partial<typeof trip>) => checkDefinition({ ...trip, ...change });
    assert.match(holes({ rules: trip.rules.slice(1) }).join(), /Asked on RoomBooked has no rule/);
    assert.match(holes({ rules: [...trip.rules, trip.rules[0]!] }).join(), /has two rules/);
    assert.match(
      holes({
        rules: trip.rules.map((rule) =>
          rule.from === 'Done' ? { from: 'Done', on: rule.on, to: 'Asked', kind: 'forward' as const } : rule,
        ),
      }).join(),
      /leaves a final state/,
    );
    assert.match(holes({ commands: {} }).join(), /sends BookRoom, which has no body/);
    const { deadline: _, ...patient } = trip.states['Asked']!;
    assert.match(holes({ states: { ...trip.states, Asked: patient } }).join(), /Asked has no deadline/);
    assert.match(holes({ initial: 'Nowhere' }).join(), /no initial state/);
  });

  it('may rest where a person decides, and is left there by a decision only', () => {
    assert.deepEqual(checkDefinition(asking), []);
    const holes = (change: Partial<typeof asking>) => checkDefinition({ ...asking, ...change }).join();
    assert.match(holes({ rules: asking.rules.slice(0, -1) }), /Stuck on GivenUp has no rule/);
    assert.match(
      holes({
        rules: asking.rules.map((rule) =>
          rule.from === 'Stuck' && rule.on === 'RoomCancelled'
            ? { from: 'Stuck', on: 'RoomCancelled', to: 'Undone', kind: 'compensation' as const }
            : rule,
        ),
      }),
      /Stuck on RoomCancelled leaves without a decision/,
    );
    assert.match(
      holes({ rules: [...asking.rules, { from: 'Asked', on: 'GivenUp', to: 'Undone', kind: 'failure' }] }),
      /Asked on GivenUp: nobody is asked there/,
    );
    const late = { ...asking.states['Stuck']!, deadline: { seconds: 1, event: 'TooLate' } };
    assert.match(holes({ states: { ...asking.states, Stuck: late } }), /Stuck waits for a person and has a deadline/);
  });

  it('draws itself', () => {
    const drawn = diagram(trip);
    assert.deepEqual(
      drawn.states.map((state) => state.name),
      ['Asked', 'RoomBooked', 'Undoing', 'Done', 'Undone'],
    );
    assert.ok(
      drawn.transitions.some(
        (arrow) => arrow.from === 'RoomBooked' && arrow.to === 'Undoing' && arrow.sends.includes('CancelRoom'),
      ),
    );
  });
});

describe('advancing a saga', () => {
  const started = begin(trip, 'trip-1', { nights: 2 }).instance;

  it('moves, logs and sends by the table', () => {
    const step = advance(trip, started, { event: 'RoomBooked', body: {} })!;
    assert.equal(step.instance.state, 'RoomBooked');
    assert.deepEqual(step.transitions, [{ seq: 2, from: 'Asked', event: 'RoomBooked', to: 'RoomBooked' }]);
    assert.deepEqual(step.commands, ['BookFlight']);
  });

  it('waits until every compensation is confirmed, in any order', () => {
    const booked = advance(trip, started, { event: 'RoomBooked', body: {} })!.instance;
    const undoing = advance(trip, booked, { event: 'TooLate', body: {} })!;
    assert.deepEqual(undoing.instance.owed, ['room', 'flight']);
    assert.deepEqual(undoing.commands, ['CancelRoom', 'CancelFlight']);
    for (const order of [
      ['RoomCancelled', 'FlightCancelled'],
      ['FlightCancelled', 'RoomCancelled'],
    ]) {
      const half = advance(trip, undoing.instance, { event: order[0]!, body: {} })!.instance;
      assert.equal(half.state, 'Undoing');
      assert.equal(advance(trip, half, { event: order[1]!, body: {} })!.instance.state, 'Undone');
    }
  });

  it('asks again for what is owed, and only for that', () => {
    const booked = advance(trip, started, { event: 'RoomBooked', body: {} })!.instance;
    const undoing = advance(trip, booked, { event: 'TooLate', body: {} })!.instance;
    const half = advance(trip, undoing, { event: 'RoomCancelled', body: {} })!.instance;
    assert.deepEqual(advance(trip, half, { event: 'UndoOverdue', body: {} })!.commands, ['CancelFlight']);
  });

  it('keeps an event that comes early and applies it when its time has come', () => {
    const kept = advance(trip, started, { event: 'FlightBooked', body: { seat: '1A' } })!;
    assert.equal(kept.instance.state, 'Asked');
    assert.deepEqual(kept.commands, []);
    assert.equal(advance(trip, kept.instance, { event: 'FlightBooked', body: {} }), null);
    const both = advance(trip, kept.instance, { event: 'RoomBooked', body: {} })!;
    assert.equal(both.instance.state, 'Done');
    assert.deepEqual(
      both.transitions.map((line) => [line.seq, line.event, line.to]),
      [
        [3, 'RoomBooked', 'RoomBooked'],
        [4, 'FlightBooked', 'Done'],
      ],
    );
    assert.deepEqual(both.instance.early, []);
  });

  it('ignores what says nothing new', () => {
    const booked = advance(trip, started, { event: 'RoomBooked', body: {} })!.instance;
    assert.equal(advance(trip, booked, { event: 'RoomBooked', body: {} }), null);
  });

  it('learns from events what the definition says it learns', () => {
    const step = advance(trip, started, { event: 'RoomRefused', body: { why: 'full' } })!;
    assert.deepEqual(step.instance.context, { nights: 2, why: 'full' });
  });
});
