/** The drawing of the mesh: places that stay still, nothing on top of anything, and arrow keys that lead somewhere. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Move } from '@ballast/contracts';
import { createFlow, mostDots, travelTime } from '../src/chaos/flow.ts';
import type { FlowLine } from '../src/chaos/flow.ts';
import { layoutMesh } from '../src/chaos/layout.ts';
import type { NodeBox } from '../src/chaos/layout.ts';
import { restingDots } from '../src/chaos/resting.ts';
import { nextInList, nextNode } from '../src/chaos/steps.ts';
import { createWorld } from './fake/world.ts';

const world = createWorld(() => 0.5);
const nodes = world.nodes();
const links = world.liveLinks();
const layout = layoutMesh(nodes, links);
const box = (name: string): NodeBox => {
  const found = layout.nodes.find((known) => known.name === name);
  assert.ok(found, name);
  return found;
};

describe('the drawing of the mesh', () => {
  it('has the way in on the left, services in the middle, and parts on the right', () => {
    assert.equal(box('bff').column, 0);
    for (const name of ['catalog-1', 'catalog-2', 'claims', 'payments', 'checkout-1', 'checkout-2']) {
      assert.equal(box(name).column, 1, name);
    }
    for (const name of ['identity', 'postgres', 'redis', 'rabbitmq', 'vault', 'payment-provider']) {
      assert.equal(box(name).column, 2, name);
    }
  });

  it('has every node and every link once, within its bounds, and no box on another', () => {
    assert.deepEqual(layout.nodes.map(({ name }) => name).toSorted(), nodes.map(({ name }) => name).toSorted());
    assert.equal(new Set(layout.links.map(({ key }) => key)).size, links.length);
    for (const one of layout.nodes) {
      assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= layout.width && one.y + one.height <= layout.height);
      for (const other of layout.nodes) {
        const apart = one.column !== other.column || one.y + one.height <= other.y || other.y + other.height <= one.y;
        assert.ok(one === other || apart, `${one.name} on ${other.name}`);
      }
    }
  });

  it('gives each line its own place on the boxes it joins', () => {
    for (const node of layout.nodes) {
      const starts = layout.links
        .filter(({ from }) => from === node.name)
        .map(({ path }) => /^M\S+ \S+?(?=C)/.exec(path)?.[0]);
      assert.equal(new Set(starts).size, starts.length, node.name);
    }
  });

  it('keeps replicas of a service next to each other', () => {
    const column = layout.nodes.filter((known) => known.column === 1).map(({ name }) => name);
    for (const service of ['catalog', 'checkout']) {
      assert.equal(Math.abs(column.indexOf(`${service}-1`) - column.indexOf(`${service}-2`)), 1, service);
    }
  });

  it('is the same in whatever order nodes and links are told', () => {
    const again = layoutMesh(nodes.toReversed(), links);
    assert.deepEqual(
      new Set(again.nodes.map((node) => JSON.stringify(node))),
      new Set(layout.nodes.map((node) => JSON.stringify(node))),
    );
  });

  it('leaves out links that lead nowhere, and draws a mesh of nothing', () => {
    assert.equal(layoutMesh(nodes, [{ from: 'bff', to: 'nobody' }]).links.length, 0);
    assert.deepEqual(layoutMesh([], []).nodes, []);
  });
});

describe('arrow keys in the drawing', () => {
  it('move within a column and to the nearest box of the next one', () => {
    const column = layout.nodes.filter((known) => known.column === 1).toSorted((left, right) => left.y - right.y);
    const [first, second] = column;
    assert.ok(first && second);
    assert.equal(nextNode(layout.nodes, first.name, 'ArrowDown'), second.name);
    assert.equal(nextNode(layout.nodes, first.name, 'ArrowUp'), first.name);
    assert.equal(nextNode(layout.nodes, first.name, 'ArrowLeft'), 'bff');
    assert.equal(box(nextNode(layout.nodes, 'bff', 'ArrowRight')).column, 1);
    assert.equal(nextNode(layout.nodes, 'bff', 'ArrowLeft'), 'bff');
  });

  it('reach every box from any other', () => {
    const reached = new Set(['bff']);
    for (const name of reached) {
      for (const arrow of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'] as const) {
        reached.add(nextNode(layout.nodes, name, arrow));
      }
    }
    assert.equal(reached.size, layout.nodes.length);
  });

  it('go along the links one by one', () => {
    assert.equal(nextInList(['a', 'b', 'c'], 'a', 'ArrowRight'), 'b');
    assert.equal(nextInList(['a', 'b', 'c'], 'a', 'ArrowLeft'), 'a');
    assert.equal(nextInList(['a', 'b', 'c'], 'b', 'End'), 'c');
    assert.equal(nextInList(['a', 'b', 'c'], 'b', 'Home'), 'a');
  });
});

describe('orders on their way', () => {
  const line: FlowLine = {
    kind: 'forward',
    points: Array.from({ length: 11 }, (_, index) => ({ x: index * 10, y: 0 })),
  };
  const move = (from: Move['from']): Move => ({
    orderId: 'one',
    seq: 1,
    from,
    event: 'StockReserved',
    to: 'StockReserved',
    at: '2026-11-21T09:00:00.000Z',
  });

  it('go from state to state and are gone when they have arrived', () => {
    const flow = createFlow(new Map([['Initiated>StockReserved', line]]));
    assert.equal(flow.add([move('Initiated')], 1_000), 0);
    const positions = [0, 0.5, 1].map((share) => flow.step(1_000 + share * (travelTime - 1))[0]?.x);
    assert.deepEqual(positions, [0, 50, 100]);
    assert.deepEqual(flow.step(1_000 + travelTime), []);
    assert.equal(flow.busy(), false);
  });

  it('are only counted where there is no line or no room', () => {
    const flow = createFlow(new Map([['Initiated>StockReserved', line]]));
    assert.equal(flow.add([move('Compensating')], 0), 1);
    assert.equal(flow.add([move(null)], 0), 0, 'an order that begins has no way behind it');
    assert.equal(
      flow.add(
        Array.from({ length: mostDots + 50 }, () => move('Initiated')),
        0,
      ),
      50,
    );
    assert.ok(flow.step(600).length <= mostDots);
  });

  it('wait at the foot of their state, never beside it', () => {
    const state = { name: 'Initiated', lane: 'main', index: 0, x: 100, y: 50, width: 176, height: 60 } as const;
    assert.equal(restingDots(state, 0).length, 0);
    assert.equal(restingDots(state, 3).length, 3);
    const many = restingDots(state, 5_000);
    assert.ok(many.length > 10 && many.length < 40);
    for (const { x, y } of many) assert.ok(x > state.x && x < state.x + state.width && y < state.y + state.height);
  });
});
