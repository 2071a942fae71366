/** A small saga for tests, on message types that exist: book a room, then a flight; cancel both when it is too late. */
import type { SagaDefinition, TransitionRule } from '../src/index.ts';

export interface Trip {
  nights: number;
  why?: string;
}

const events = ['RoomBooked', 'RoomRefused', 'FlightBooked', 'RoomCancelled', 'FlightCancelled'];
const ignore = (from: string, ...names: string[]): TransitionRule[] =>
  names.map((on) => ({ from, on, ignore: true, because: 'nothing new' }));

export const trip: SagaDefinition<Trip> = {
  name: 'trip',
  initial: 'Asked',
  startEvent: 'TripWanted',
  startSends: ['BookRoom'],
  events,
  states: {
    Asked: { description: 'A room is being booked', deadline: { seconds: 60, event: 'TooLate' } },
    RoomBooked: { description: 'A flight is being booked', deadline: { seconds: 60, event: 'TooLate' } },
    Undoing: { description: 'All is being cancelled', deadline: { seconds: 10, event: 'UndoOverdue' } },
    Done: { description: 'Booked', final: true },
    Undone: { description: 'Cancelled', final: true },
  },
  compensations: { room: { command: 'CancelRoom' }, flight: { command: 'CancelFlight' } },
  rules: [
    { from: 'Asked', on: 'RoomBooked', to: 'RoomBooked', kind: 'forward', send: ['BookFlight'] },
    { from: 'Asked', on: 'RoomRefused', to: 'Undone', kind: 'failure' },
    { from: 'Asked', on: 'TooLate', to: 'Undoing', kind: 'failure', undo: ['room'] },
    { from: 'Asked', on: 'FlightBooked', early: true },
    ...ignore('Asked', 'RoomCancelled', 'FlightCancelled'),
    { from: 'RoomBooked', on: 'FlightBooked', to: 'Done', kind: 'forward' },
    { from: 'RoomBooked', on: 'TooLate', to: 'Undoing', kind: 'failure', undo: ['room', 'flight'] },
    ...ignore('RoomBooked', 'RoomBooked', 'RoomRefused', 'RoomCancelled', 'FlightCancelled'),
    { from: 'Undoing', on: 'RoomCancelled', to: 'Undone', kind: 'compensation', settles: 'room' },
    { from: 'Undoing', on: 'FlightCancelled', to: 'Undone', kind: 'compensation', settles: 'flight' },
    { from: 'Undoing', on: 'UndoOverdue', to: 'Undoing', kind: 'compensation', repeatOwed: true },
    ...ignore('Undoing', 'RoomBooked', 'RoomRefused', 'FlightBooked'),
    ...ignore('Done', ...events),
    ...ignore('Undone', ...events),
  ],
  commands: {
    BookRoom: (id, { nights }) => ({ id, nights }),
    BookFlight: (id) => ({ id }),
    CancelRoom: (id) => ({ id }),
    CancelFlight: (id) => ({ id }),
  },
  learn: { RoomRefused: (context, body) => ({ ...context, why: (body as { why: string }).why }) },
};

/** The same with a hotel that may refuse to cancel: then a person decides. */
export const asking: SagaDefinition<Trip> = {
  ...trip,
  name: 'asking-trip',
  events: [...events, 'RoomKept'],
  decisions: ['AskedAgain', 'GivenUp'],
  states: { ...trip.states, Stuck: { description: 'The room cannot be cancelled', waitsForPerson: true } },
  rules: [
    ...trip.rules,
    { from: 'Undoing', on: 'RoomKept', to: 'Stuck', kind: 'failure' },
    ...['Asked', 'RoomBooked', 'Done', 'Undone'].flatMap((state) => ignore(state, 'RoomKept')),
    ...ignore('Stuck', ...events, 'RoomKept'),
    { from: 'Stuck', on: 'AskedAgain', to: 'Undoing', kind: 'compensation', undo: ['room'], repeatOwed: true },
    { from: 'Stuck', on: 'GivenUp', to: 'Undone', kind: 'compensation' },
  ],
  learn: { ...trip.learn, GivenUp: (context, body) => ({ ...context, why: (body as { note: string }).note }) },
};
