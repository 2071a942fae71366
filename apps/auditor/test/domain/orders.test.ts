import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeOrder, none, type Money, type OrderFacts } from '../../src/domain/orders.ts';
import { rulesOf, type LogLine } from '../../src/domain/saga-log.ts';
import { diagram } from '../diagram.ts';

const rules = rulesOf(diagram);
const log = (...steps: [event: string, to: string][]): LogLine[] =>
  steps.map(([event, to], place) => ({
    seq: place + 1,
    from: steps[place - 1]?.[1] ?? null,
    event,
    to,
    messageId: place === 0 ? null : `m${place}`,
    decided: false,
  }));
const completedLog = log(
  ['OrderPlaced', 'Initiated'],
  ['StockReserved', 'StockReserved'],
  ['PaymentAuthorized', 'ReadyForPayment'],
  ['PaymentCaptured', 'PaymentCaptured'],
  ['StockCommitted', 'Completed'],
);
const compensatedLog = log(
  ['OrderPlaced', 'Initiated'],
  ['StockReserved', 'StockReserved'],
  ['PaymentDeclined', 'Compensating'],
  ['StockReleased', 'Compensated'],
);
const kept: Money = { authorized: 100, captured: 100, refunded: 0, voided: 0, currencies: ['EUR'] };
const completed: OrderFacts = {
  orderId: 'order',
  saga: { state: 'Completed', version: 5, hasDeadline: false, restedMs: 60_000 },
  placed: { total: 100, currency: 'EUR' },
  reservation: 'committed',
  log: completedLog,
  own: kept,
  claim: null,
};
const compensated: OrderFacts = {
  ...completed,
  saga: { state: 'Compensated', version: 4, hasDeadline: false, restedMs: 60_000 },
  reservation: 'released',
  log: compensatedLog,
  own: none,
};
const inState = (facts: OrderFacts, state: string): OrderFacts => ({ ...facts, saga: { ...facts.saga!, state } });

/** Invariants that the order offends against, each with its witness. */
const against = (facts: OrderFacts, provider: Money | null | undefined = facts.own): string[] =>
  judgeOrder(facts, provider, rules).map(({ invariant, part }) => `${invariant} ${part}`);

describe('an order', () => {
  const good: [string, OrderFacts, (Money | null)?][] = [
    ['completed and paid', completed],
    ['compensated and never paid', compensated],
    ['compensated and unknown to the provider', compensated, null],
    [
      'compensated, its money held and let go',
      { ...compensated, own: { ...none, authorized: 100, voided: 100 } },
      none,
    ],
    ['compensated, its money taken and given back', { ...compensated, own: { ...kept, refunded: 100 } }],
    ['completed, its claim open', { ...completed, claim: null }],
    ['completed, its claim granted and not paid yet', { ...completed, claim: 'granted' }],
    ['completed, its claim granted and just paid', { ...completed, claim: 'granted', own: { ...kept, refunded: 100 } }],
    ['completed, its claim paid', { ...completed, claim: 'refunded', own: { ...kept, refunded: 100 } }],
    ['completed, its refund refused', { ...completed, claim: 'refund-refused' }],
    [
      'that has just ended',
      { ...completed, saga: { ...completed.saga!, restedMs: 100 }, own: none, reservation: 'reserved' },
    ],
    ['that nobody knows', { ...completed, saga: null, placed: null, reservation: null, log: [], own: none }],
    [
      'settled by hand',
      {
        ...compensated,
        log: [...compensatedLog.slice(0, 3), { ...compensatedLog[3]!, from: 'Compensating', event: 'SettledByHand' }],
        own: kept,
      },
    ],
  ];
  for (const [name, facts, provider] of good) {
    it(`${name} is as it must be`, () => {
      const found = judgeOrder(facts, provider === undefined ? facts.own : provider, null);
      assert.deepEqual(found, []);
    });
  }

  const bad: [string, OrderFacts, Money | null | undefined, string[]][] = [
    ['completed and not paid, by our ledger', { ...completed, own: none }, kept, ['3 orders']],
    ['completed and not paid, by the provider’s', completed, none, ['3 ledger']],
    ['completed and unknown to the provider', completed, null, ['3 ledger']],
    ['completed and given back without a claim', { ...completed, own: { ...kept, refunded: 100 } }, kept, ['3 orders']],
    ['compensated and still paid', compensated, kept, ['3 ledger']],
    ['compensated with money still held', compensated, { ...none, authorized: 100 }, ['3 ledger']],
    ['paid in another currency', completed, { ...kept, currencies: ['USD'] }, ['3 ledger']],
    ['whose paid claim left the money here', { ...completed, claim: 'refunded' }, kept, ['3 orders', '3 ledger']],
    [
      'that nobody has placed, and paid',
      { ...completed, saga: null, placed: null, reservation: null, log: [], own: none },
      kept,
      ['3 ledger'],
    ],
    ['paid twice, which is not told as wrong money too', completed, { ...kept, captured: 200 }, ['4 ledger']],
    [
      'paid twice long before its end',
      { ...inState(completed, 'PaymentCaptured'), saga: null },
      { ...kept, captured: 200 },
      ['6 orders', '4 ledger'],
    ],
    ['completed with its stock still reserved', { ...completed, reservation: 'reserved' }, kept, ['2 orders']],
    ['compensated with its stock sold', { ...compensated, reservation: 'committed' }, none, ['2 orders']],
    ['without a saga', { ...completed, saga: null }, kept, ['6 orders']],
    [
      'that nothing will wake',
      {
        ...compensated,
        saga: { state: 'Compensating', version: 3, hasDeadline: false, restedMs: 9e6 },
        log: compensatedLog.slice(0, 3),
      },
      none,
      ['6 orders'],
    ],
    ['whose log has a gap', { ...completed, log: [completedLog[0]!, ...completedLog.slice(2)] }, kept, ['6 orders']],
    ['whose log ends elsewhere', inState(compensated, 'Compensating'), none, ['6 orders', '6 orders']],
  ];
  for (const [name, facts, provider, invariants] of bad) {
    it(`${name} is wrong`, () => assert.deepEqual(against(facts, provider), invariants));
  }

  it('is not judged by a ledger that cannot be had', () => {
    assert.deepEqual(judgeOrder(completed, undefined, rules), []);
  });
});

describe('a log', () => {
  const moved = (...more: [string, string][]): OrderFacts => {
    const lines = [...completedLog];
    for (const [event, to] of more)
      lines.push({
        seq: lines.length + 1,
        from: lines.at(-1)!.to,
        event,
        to,
        messageId: `late ${event}`,
        decided: false,
      });
    return { ...completed, saga: { ...completed.saga!, state: lines.at(-1)!.to, version: lines.length }, log: lines };
  };

  it('that leaves a final state is wrong', () => {
    const [first] = judgeOrder(moved(['PaymentDeclined', 'Compensating']), kept, rules);
    assert.match(first!.why, /it left Completed on PaymentDeclined/);
  });

  it('that goes where no rule leads is wrong, and nobody can tell without the rules', () => {
    const wild: OrderFacts = {
      ...compensated,
      log: [
        compensatedLog[0]!,
        { ...compensatedLog[1]!, to: 'Compensating' },
        { ...compensatedLog[2]!, from: 'Compensating' },
        compensatedLog[3]!,
      ],
    };
    assert.match(
      judgeOrder(wild, none, rules)[0]!.why,
      /no rule leads from Initiated on StockReserved to Compensating/,
    );
    assert.deepEqual(judgeOrder(wild, none, null), []);
  });

  it('that keeps an event for later stays where it is', () => {
    const early = [...compensatedLog];
    early.splice(1, 0, {
      seq: 2,
      from: 'Initiated',
      event: 'PaymentCaptured',
      to: 'Initiated',
      messageId: 'early',
      decided: false,
    });
    const facts: OrderFacts = {
      ...compensated,
      saga: { ...compensated.saga!, version: 5 },
      log: early.map((line, place) => ({ ...line, seq: place + 1 })),
    };
    assert.deepEqual(judgeOrder(facts, none, rules), []);
  });

  it('leaves a review by a decision only', () => {
    const review = (decided: boolean): OrderFacts => ({
      ...compensated,
      own: none,
      log: [
        ...compensatedLog.slice(0, 3),
        {
          seq: 4,
          from: 'Compensating',
          event: 'PaymentCancelRefused',
          to: 'RequiresReview',
          messageId: 'x',
          decided: false,
        },
        { seq: 5, from: 'RequiresReview', event: 'SettledByHand', to: 'Compensated', messageId: null, decided },
      ],
      saga: { ...compensated.saga!, version: 5 },
    });
    assert.deepEqual(judgeOrder(review(true), none, null), []);
    assert.match(judgeOrder(review(false), none, null)[0]!.why, /decided by nobody/);
  });

  it('in which one message has the same effect twice is wrong, and one with two effects of its own is not', () => {
    const twice = moved();
    const again: LogLine = {
      seq: 5,
      from: 'Compensated',
      event: 'StockReserved',
      to: 'Compensated',
      messageId: 'm1',
      decided: false,
    };
    const facts: OrderFacts = {
      ...compensated,
      saga: { ...compensated.saga!, version: 5 },
      log: [...compensatedLog, again],
    };
    assert.deepEqual(against(facts), ['5 orders']);
    const other = {
      ...twice,
      log: twice.log.map((line, place) => (place === 2 ? { ...line, messageId: 'm1' } : line)),
    };
    assert.deepEqual(against(other), []);
  });
});
