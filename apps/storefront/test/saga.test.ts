/** The drawing of a saga: made from its definition alone, with nothing on top of anything else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OrderTransition, SagaDiagram } from '@ballast/contracts';
import { sortIntoLanes } from '../src/saga/lanes.ts';
import { edgeKey, layoutSaga } from '../src/saga/layout.ts';
import type { NodeBox, Orientation } from '../src/saga/layout.ts';
import { progressOf } from '../src/saga/progress.ts';
import { labelLines, labelOf, stepSentence, wordsOf } from '../src/saga/words.ts';

type Kind = SagaDiagram['transitions'][number]['kind'];

const transitions: [from: string, event: string, to: string, kind: Kind][] = [
  ['Initiated', 'StockReserved', 'StockReserved', 'forward'],
  ['Initiated', 'StockRejected', 'Compensated', 'failure'],
  ['Initiated', 'StockDeadlinePassed', 'Compensating', 'failure'],
  ['StockReserved', 'PaymentAuthorized', 'ReadyForPayment', 'forward'],
  ['StockReserved', 'PaymentCaptured', 'PaymentCaptured', 'forward'],
  ['StockReserved', 'PaymentDeclined', 'Compensating', 'failure'],
  ['StockReserved', 'PaymentDeadlinePassed', 'Compensating', 'failure'],
  ['ReadyForPayment', 'PaymentCaptured', 'PaymentCaptured', 'forward'],
  ['ReadyForPayment', 'CaptureRefused', 'Compensating', 'failure'],
  ['PaymentCaptured', 'StockCommitted', 'Completed', 'forward'],
  ['PaymentCaptured', 'CommitOverdue', 'PaymentCaptured', 'forward'],
  ['Compensating', 'CompensationOverdue', 'Compensating', 'compensation'],
  ['Compensating', 'StockReleased', 'Compensated', 'compensation'],
  ['Compensating', 'PaymentCancelRefused', 'RequiresReview', 'failure'],
  ['RequiresReview', 'RefundRetried', 'Compensating', 'compensation'],
  ['RequiresReview', 'SettledByHand', 'Compensated', 'compensation'],
];
const ends = ['Completed', 'Compensated'];
const names = [
  'Initiated',
  'StockReserved',
  'ReadyForPayment',
  'PaymentCaptured',
  'Compensating',
  'RequiresReview',
  ...ends,
];
const diagram: SagaDiagram = {
  name: 'place-order',
  initial: 'Initiated',
  states: names.map((name) => ({ name, description: '', final: ends.includes(name), deadlineSeconds: null })),
  transitions: transitions.map(([from, event, to, kind]) => ({ from, event, to, kind, sends: [] })),
};

const overlap = (one: NodeBox, other: NodeBox): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

describe('the lanes', () => {
  it('put the longest way forward in one lane and undoing in the other', () => {
    assert.deepEqual(sortIntoLanes(diagram), {
      main: ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured', 'Completed'],
      side: ['Compensated', 'Compensating', 'RequiresReview'],
    });
  });

  it('cope with a saga that has one state, and with one that goes in circles', () => {
    const one: SagaDiagram = { ...diagram, states: diagram.states.slice(0, 1), transitions: [] };
    assert.deepEqual(sortIntoLanes(one), { main: ['Initiated'], side: [] });
    const back = { from: 'StockReserved', event: 'Back', to: 'Initiated', sends: [], kind: 'forward' as const };
    const circle: SagaDiagram = { ...diagram, transitions: [...diagram.transitions, back] };
    assert.equal(sortIntoLanes(circle).main.length, 5);
  });
});

for (const orientation of ['wide', 'tall'] satisfies Orientation[]) {
  describe(`the ${orientation} drawing`, () => {
    const layout = layoutSaga(diagram, orientation);

    it('has every state once, inside the picture, none over another', () => {
      assert.deepEqual(layout.nodes.map((node) => node.name).toSorted(), names.toSorted());
      for (const node of layout.nodes) {
        assert.ok(node.x >= 0 && node.x + node.width <= layout.width, node.name);
        assert.ok(node.y >= 0 && node.y + node.height <= layout.height, node.name);
        for (const other of layout.nodes)
          assert.ok(node === other || !overlap(node, other), `${node.name} ${other.name}`);
      }
    });

    it('has one line for each pair of states, naming all the events that lead along it', () => {
      const pairs = new Set(transitions.map(([from, , to]) => edgeKey(from, to)));
      assert.deepEqual(new Set(layout.edges.map((edge) => edge.key)), pairs);
      assert.equal(layout.edges.length, pairs.size);
      const declined = layout.edges.find((edge) => edge.key === edgeKey('StockReserved', 'Compensating'));
      assert.deepEqual(declined?.events, ['PaymentDeclined', 'PaymentDeadlinePassed']);
    });

    it('draws there and back side by side, not on one another', () => {
      const there = layout.edges.find((edge) => edge.key === edgeKey('Compensating', 'RequiresReview'))!;
      const back = layout.edges.find((edge) => edge.key === edgeKey('RequiresReview', 'Compensating'))!;
      const across = (path: string): string[] =>
        [...path.matchAll(/[ML](\S+) ([^L]+)/g)].map(([, x, y]) => (orientation === 'wide' ? y! : x!));
      assert.equal(new Set(across(there.path)).size, 1);
      assert.equal(new Set([...across(there.path), ...across(back.path)]).size, 2);
    });

    it('has only numbers in its paths, and the place for each time inside the picture', () => {
      for (const edge of layout.edges) {
        assert.match(edge.path, /^M[-\d. MLCHVQ]+$/, edge.key);
        assert.ok(edge.label.x > 0 && edge.label.x < layout.width, edge.key);
        assert.ok(edge.label.y > 0 && edge.label.y < layout.height, edge.key);
      }
    });
  });
}

it('the tall drawing is narrow enough for a phone', () => {
  assert.ok(layoutSaga(diagram, 'tall').width <= 400);
});

it('a transition to a state the definition does not list is left out instead of breaking the page', () => {
  const odd = { from: 'Initiated', event: 'X', to: 'Nowhere', sends: [], kind: 'failure' as const };
  const layout = layoutSaga({ ...diagram, transitions: [...diagram.transitions, odd] }, 'wide');
  assert.ok(layout.edges.every((edge) => edge.to !== 'Nowhere'));
});

describe('the progress of an order', () => {
  const step = (
    seq: number,
    from: OrderTransition['from'],
    to: OrderTransition['to'],
    at: string,
  ): OrderTransition => ({
    seq,
    from,
    event: 'Event',
    to,
    at: `2026-11-21T09:00:${at}Z`,
  });
  const history = [
    step(1, null, 'Initiated', '00.000'),
    step(2, 'Initiated', 'StockReserved', '00.120'),
    step(3, 'StockReserved', 'Compensating', '01.120'),
    step(4, 'Compensating', 'Compensating', '02.000'),
    step(5, 'Compensating', 'Compensating', '05.000'),
    step(6, 'Compensating', 'Compensated', '05.500'),
  ];

  it('lights up the lines it went along, with the time each step took', () => {
    const { edges } = progressOf(history);
    assert.deepEqual(edges.get(edgeKey('Initiated', 'StockReserved')), { times: 1, elapsed: 120 });
    assert.deepEqual(edges.get(edgeKey('Compensating', 'Compensating')), { times: 2, elapsed: 3000 });
    assert.equal(edges.get(edgeKey('ReadyForPayment', 'PaymentCaptured')), undefined);
  });

  it('keeps the instant a state was entered when a step leaves the state as it is', () => {
    assert.equal(progressOf(history).enteredAt.get('Compensating'), '2026-11-21T09:00:01.120Z');
  });
});

describe('words', () => {
  it('are made from names in code', () => {
    assert.deepEqual(['PaymentDeclined', 'refund_refused', 'accepted'].map(wordsOf), [
      'Payment declined',
      'Refund refused',
      'Accepted',
    ]);
    assert.equal(labelOf('SomethingNew'), 'Something new');
  });

  it('stand in two lines where a box is too narrow for one', () => {
    assert.deepEqual(labelLines('ReadyForPayment', 176), ['Ready for payment']);
    assert.deepEqual(labelLines('ReadyForPayment', 144), ['Ready for', 'payment']);
    assert.deepEqual(labelLines('Compensating', 144), ['Compensating']);
    assert.deepEqual(labelLines('Compensating', 20), ['Compensating']);
  });

  it('tell a step as a sentence', () => {
    const sentence = stepSentence({
      seq: 5,
      from: 'PaymentCaptured',
      event: 'StockCommitted',
      to: 'Completed',
      at: '',
    });
    assert.equal(sentence, 'Completed. It is paid, and your items are yours.');
  });
});
