/**
 * The vocabulary every service and page shares. Browser-safe: schemas and plain data, nothing else.
 *
 * Glossary
 * - order        what a customer asked for; its id is also the saga's and every message's correlation id
 * - saga         the persisted state machine that brings an order to its end
 * - command      an imperative message for exactly one service ("ReserveStock")
 * - event        a past-tense fact a service tells ("StockReserved")
 * - envelope     what surrounds a command's or event's body on the wire
 * - reservation  stock set aside for one order: reserved → committed (sold) or released
 * - capture      the moment money moves; before it an authorisation only holds the money
 * - compensation the command that undoes a step's effect
 * - claim        a customer's complaint about a completed order; a granted one leads to a refund
 * - principal    who is calling: a user's id taken from a verified token
 */
export * from './primitives.ts';
export * from './problem.ts';
export * from './catalog.ts';
export * from './devices.ts';
export * from './orders.ts';
export * from './payments.ts';
export * from './claims.ts';
export * from './identity.ts';
export * from './saga-diagram.ts';
export * from './envelope.ts';
export * from './messages.ts';
export * from './lab.ts';
export * from './faults.ts';
export * from './verdicts.ts';
export * from './controls.ts';
export * from './live.ts';
export * from './panels.ts';
export * from './panel-answers.ts';
