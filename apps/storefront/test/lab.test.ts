/** What `/lab` makes of the mesh's answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LabCluster, LabCredentials, PaymentMethod, Product } from '@ballast/contracts';
import { labAccess } from '../src/lab/access.ts';
import { methodFor, orderFailingAt, possibleFailures } from '../src/lab/choices.ts';
import { callsSince, hasComeRound, stepsSince } from '../src/lab/circuit.ts';
import type { Upstream } from '../src/lab/circuit.ts';
import { partsOf } from '../src/lab/parts.ts';
import { groupAnswers, toneOfStatus } from '../src/lab/race.ts';
import { rotationEnded, stagesSince } from '../src/lab/rotation.ts';
import { columnsOf, compareRows, valueText, versionText } from '../src/lab/rows.ts';

const at = (second: number): string => `2026-11-21T09:00:${String(second).padStart(2, '0')}.000Z`;

describe('who may drive the demonstrations', () => {
  const user = (roles: ('customer' | 'operator')[]) => ({ userId: 'id', email: 'somebody@example.test', roles });

  it('is an operator, in the lab', () => {
    assert.deepEqual(labAccess({ status: 'known', lab: true, user: user(['customer', 'operator']) }), {
      allowed: true,
    });
  });

  it('is nobody else, and everybody is told why', () => {
    const why = (session: Parameters<typeof labAccess>[0]): string => {
      const access = labAccess(session);
      assert.ok(!access.allowed);
      assert.notEqual(access.reason, '');
      return access.why;
    };
    assert.equal(why({ status: 'unknown', lab: false, user: null }), 'asking');
    assert.equal(why({ status: 'known', lab: false, user: user(['operator']) }), 'no-lab');
    assert.equal(why({ status: 'known', lab: true, user: null }), 'signed-out');
    assert.equal(why({ status: 'known', lab: true, user: user(['customer']) }), 'not-operator');
  });
});

describe('rows', () => {
  it('are compared column by column, a missing row told from a NULL', () => {
    assert.deepEqual(compareRows({ on_hand: 5, note: null }, { on_hand: 6, note: null }), [
      { column: 'on_hand', before: '5', after: '6', changed: true },
      { column: 'note', before: 'NULL', after: 'NULL', changed: false },
    ]);
    assert.deepEqual(compareRows(undefined, { key: 'k' }), [
      { column: 'key', before: undefined, after: 'k', changed: true },
    ]);
  });

  it('keep every column of every row, and cut what is too long', () => {
    assert.deepEqual(columnsOf([{ a: 1 }, { b: 2, a: 3 }]), ['a', 'b']);
    assert.equal(valueText({ nested: true }), '{"nested":true}');
    assert.ok(valueText('x'.repeat(500)).length < 130);
    assert.deepEqual(['"771"', 'W/"771"', '771'].map(versionText), ['771', '771', '771']);
  });
});

describe('the answers of a race', () => {
  const racer = (status: number, milliseconds: number, replayed?: boolean) => ({
    status,
    milliseconds,
    instance: 'claims',
    result: 'one',
    ...(replayed === undefined ? {} : { replayed }),
  });

  it('are grouped by status and by whether they were replayed', () => {
    const groups = groupAnswers([racer(200, 9, true), racer(201, 4), racer(200, 3, true), racer(200, 5, true)]);
    assert.deepEqual(
      groups.map(({ status, replayed, count, median, slowest }) => ({ status, replayed, count, median, slowest })),
      [
        { status: 200, replayed: true, count: 3, median: 5, slowest: 9 },
        { status: 201, replayed: false, count: 1, median: 4, slowest: 4 },
      ],
    );
    assert.deepEqual(groups[0]?.results, ['one'], 'one claim, however many answers');
  });

  it('look like what they mean', () => {
    assert.deepEqual([201, 412, 429, 500, 0].map(toneOfStatus), ['good', 'refused', 'refused', 'bad', 'bad']);
  });
});

const upstream = (changes: Partial<Upstream>): Upstream => ({
  name: 'payments',
  state: 'closed',
  inFlight: 0,
  limit: 10,
  transitions: [],
  totals: { answered: 0, failed: 0, shortCircuited: 0, bulkheadRefused: 0 },
  ...changes,
});

describe('a circuit', () => {
  const old = { at: at(1), to: 'closed' } as const;

  it('shows only what happened since the demonstration began', () => {
    const before = upstream({
      transitions: [old],
      totals: { answered: 7, failed: 1, shortCircuited: 0, bulkheadRefused: 0 },
    });
    const now = upstream({
      transitions: [old, { at: at(12), to: 'open' }, { at: at(15), to: 'half-open' }],
      totals: { answered: 8, failed: 11, shortCircuited: 20, bulkheadRefused: 0 },
    });
    assert.deepEqual(callsSince(before, now), { answered: 1, failed: 10, shortCircuited: 20, bulkheadRefused: 0 });
    assert.deepEqual(
      stepsSince(before, now, at(10)).map(({ to, elapsed }) => [to, elapsed]),
      [
        ['open', 2_000],
        ['half-open', 5_000],
      ],
    );
  });

  it('has come round when it opened and closed again, and not before', () => {
    const steps = (...states: Upstream['state'][]) => states.map((to) => ({ at: at(1), to, elapsed: 0 }));
    assert.equal(hasComeRound(steps()), false);
    assert.equal(hasComeRound(steps('closed')), false);
    assert.equal(hasComeRound(steps('open', 'half-open', 'open', 'half-open')), false);
    assert.equal(hasComeRound(steps('open', 'half-open', 'closed')), true);
  });
});

describe('a rotation', () => {
  const credentials = (stages: LabCredentials['stages']): LabCredentials => ({
    source: 'vault',
    vault: { address: 'here', state: 'ready' },
    username: 'one',
    leaseSeconds: 3,
    expiresAt: null,
    rotations: 0,
    stages,
    pools: { active: 1, draining: 0 },
    load: null,
    databaseRoles: [],
  });
  const stage = (second: number, name: LabCredentials['stages'][number]['stage']) => ({
    at: at(second),
    stage: name,
    username: null,
    detail: null,
  });

  it('is made of the stages since it began, with the time since its first', () => {
    const before = credentials([stage(1, 'started'), stage(2, 'revoked-old')]);
    const now = credentials([...before.stages, stage(10, 'started'), stage(12, 'activated')]);
    const stages = stagesSince(before, now);
    assert.deepEqual(
      stages.map(({ stage, elapsed }) => [stage, elapsed]),
      [
        ['started', 0],
        ['activated', 2_000],
      ],
    );
    assert.equal(rotationEnded(stages), false, 'the end of the one before does not count');
    assert.equal(rotationEnded(stagesSince(before, credentials([...now.stages, stage(13, 'revoked-old')]))), true);
    assert.equal(rotationEnded(stagesSince(before, credentials([...now.stages, stage(13, 'failed')]))), true);
  });
});

describe('the parts', () => {
  const nothing = { buckets: null, credentials: null };
  const cluster = (instances: LabCluster['instances']): LabCluster => ({
    at: at(0),
    instances,
    upstreams: [],
    rule: '',
  });
  const instance = (name: string, changes: Partial<LabCluster['instances'][number]> = {}) => ({
    instance: name,
    service: name.replace(/-\d$/, ''),
    state: 'ready' as const,
    failing: {},
    milliseconds: 1,
    ...changes,
  });
  const stateOf = (name: string, view: ReturnType<typeof partsOf>) => view.find((part) => part.name === name)?.state;

  it('are failing where somebody says so, with who it is', () => {
    const view = partsOf(
      cluster([instance('payments', { state: 'not-ready', failing: { rabbitmq: 'refused' } }), instance('catalog-1')]),
      nothing,
    );
    assert.equal(stateOf('RabbitMQ', view), 'failing');
    assert.match(view.find(({ name }) => name === 'RabbitMQ')?.note ?? '', /payments/);
    assert.equal(stateOf('PostgreSQL', view), 'fine');
  });

  it('are not known where nobody could be asked, or nobody reports on them', () => {
    const view = partsOf(cluster([instance('payments', { state: 'unreachable' })]), nothing);
    assert.deepEqual(new Set(view.map(({ state }) => state)), new Set(['unknown']));
    assert.deepEqual(new Set(partsOf(null, nothing).map(({ state }) => state)), new Set(['unknown']));
  });

  it('are told by who uses them: a Vault that is sealed or away is failing, one that is not used is not known', () => {
    const credentials = (state: string | null): LabCredentials => ({
      source: state === null ? 'static' : 'vault',
      vault: state === null ? null : { address: 'here', state },
      username: 'one',
      leaseSeconds: null,
      expiresAt: null,
      rotations: 0,
      stages: [],
      pools: { active: 1, draining: 0 },
      load: null,
      databaseRoles: [],
    });
    const stateWith = (state: string | null): string | undefined =>
      stateOf('Vault', partsOf(cluster([]), { ...nothing, credentials: credentials(state) }));
    assert.deepEqual(['active', 'active (stand-in)', 'sealed', 'unreachable', null].map(stateWith), [
      'fine',
      'fine',
      'failing',
      'failing',
      'unknown',
    ]);
  });

  it('are told by who uses them: a rate limit that counts locally has lost Redis', () => {
    const bucket = { name: 'default', owner: 'session', burst: 10, perSecond: 1, remaining: 10 } as const;
    const buckets = (store: 'redis' | 'local') => ({ buckets: [{ ...bucket, store }], rule: '' });
    assert.equal(stateOf('Redis', partsOf(cluster([]), { ...nothing, buckets: buckets('redis') })), 'fine');
    assert.equal(stateOf('Redis', partsOf(cluster([]), { ...nothing, buckets: buckets('local') })), 'failing');
  });
});

describe('an order that is to fail at a step', () => {
  const method = (provider: 'stripe' | 'paypal', name: string, outcome: string): PaymentMethod => ({
    provider,
    method: name,
    label: name,
    outcome,
  });
  const methods = [
    method('stripe', 'pm_card_visa', 'accepted'),
    method('stripe', 'pm_standin_capture_declined', 'declined'),
    method('stripe', 'pm_card_chargeDeclined', 'declined'),
    method('paypal', 'paypal_approve', 'accepted'),
    method('paypal', 'paypal_decline', 'declined'),
  ];
  const product = (productId: string, onHand: number): Product => ({
    productId,
    slug: productId,
    name: productId,
    description: '',
    category: '',
    price: { amount: 1, currency: 'EUR' },
    image: '',
    onHand,
  });
  const products = [product('few', 3), product('none', 0), product('many', 500)];

  it('is paid with the method that fails there', () => {
    assert.equal(methodFor(methods, 'stripe', 'none')?.method, 'pm_card_visa');
    assert.equal(methodFor(methods, 'stripe', 'authorisation')?.method, 'pm_card_chargeDeclined');
    assert.equal(methodFor(methods, 'stripe', 'capture')?.method, 'pm_standin_capture_declined');
  });

  it('is offered only where the provider has such a method', () => {
    assert.deepEqual(possibleFailures(methods, 'stripe'), ['none', 'stock', 'authorisation', 'capture']);
    assert.deepEqual(possibleFailures(methods, 'paypal'), ['none', 'stock', 'authorisation']);
    assert.deepEqual(possibleFailures([], 'stripe'), []);
  });

  it('asks for one more than there is, where stock is to run out, and never for more than a line may have', () => {
    assert.deepEqual(orderFailingAt('stock', 'stripe', methods, products)?.order.lines, [
      { productId: 'few', quantity: 4 },
    ]);
    assert.equal(orderFailingAt('stock', 'stripe', methods, [product('many', 500)]), null);
  });

  it('asks for one piece of what there is most of otherwise', () => {
    assert.deepEqual(orderFailingAt('none', 'paypal', methods, products)?.order, {
      lines: [{ productId: 'many', quantity: 1 }],
      payment: { provider: 'paypal', method: 'paypal_approve' },
    });
    assert.equal(orderFailingAt('none', 'paypal', methods, [product('none', 0)]), null);
  });
});
