/** The controller's talk with the auditor: what it tells of faults, and what it believes of verdicts. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import { createAuditorLink, type AuditorLink } from '../src/clients/auditor.ts';
import { createAsker, type Asker } from '../src/clients/http.ts';
import type { FaultWindow } from '../src/faults/window.ts';
import { createChaosState, type ChaosState } from '../src/state.ts';
import { fakeAuditor, type FakeAuditor } from './fake-auditor.ts';
import { openBench, type Bench, type Controller, type Victim } from './support.ts';

describe('the link to the auditor', () => {
  let asker: Asker;
  let auditor: FakeAuditor;
  let state: ChaosState;
  let link: AuditorLink;
  let window: FaultWindow;
  let token: string | null;
  let refusals: number;
  let complaints: { what: string; error: unknown }[];
  before(() => {
    asker = createAsker();
  });
  beforeEach(async () => {
    auditor = await fakeAuditor();
    state = createChaosState([]);
    window = { active: false, lastHealAt: null };
    token = 'Bearer operator';
    refusals = 0;
    complaints = [];
    link = createAuditorLink({
      url: auditor.url,
      asker,
      session: {
        authorization: () => token,
        refused: () => {
          refusals += 1;
        },
        start: async () => {},
        stop: () => {},
      },
      state,
      window: () => window,
      report: (what, error) => void complaints.push({ what, error }),
    });
  });
  afterEach(async () => {
    link.stop();
    await auditor.close();
  });
  after(() => asker.close());

  const said = (): string => complaints.map(({ what, error }) => `${what}: ${(error as Error).message}`).join('\n');

  it('asks for verdicts and tells the fault window, with the controller’s token, again and again', async () => {
    link.start();
    await until('verdicts are there', () => state.get('verdicts')?.items.length === 2);
    await until('it was told twice', () => auditor.told.length >= 2 && auditor.asked >= 2);
    assert.deepEqual(auditor.told[0], { active: false, lastHealAt: null });
    assert.deepEqual([...auditor.tokens], ['Bearer operator']);
    assert.deepEqual(complaints, []);
  });

  it('tells a change at once, and the last one of several', async () => {
    link.tell();
    window = { active: true, lastHealAt: null };
    link.tell();
    link.tell();
    window = { active: false, lastHealAt: '2026-11-21T12:00:00.000Z' };
    link.tell();
    // It was not even started: nothing of this comes from the second hand.
    await until('the last one is told', () => auditor.told.at(-1)?.lastHealAt === window.lastHealAt);
    assert.equal(auditor.told.length, 2);
  });

  it('knows of no verdicts as soon as the auditor gives none, and of new ones when it does again', async () => {
    link.start();
    await until('verdicts are there', () => state.get('verdicts') !== null);
    for (const [trouble, reason] of [
      [{ outage: 503 }, /503: told so/],
      [{ text: 'not JSON' }, /no JSON/],
      [{ text: '{"items":[]}' }, /not as agreed/],
      [{ text: JSON.stringify({ at: 'yesterday' }) }, /not as agreed/],
    ] as const) {
      complaints.length = 0;
      Object.assign(auditor, trouble);
      await until('there are none', () => state.get('verdicts') === null);
      assert.match(said(), reason);
      Object.assign(auditor, { outage: null, text: null });
      await until('there are some again', () => state.get('verdicts') !== null);
    }
  });

  it('asks no second time while the first question is open, and gives up in time', async () => {
    const held = Promise.withResolvers<void>();
    auditor.held = () => held.promise;
    link.start();
    await until('windows are told meanwhile', () => auditor.told.length >= 2);
    await until('it is given up', () => /cannot be asked for its verdicts: .*time/.test(said()));
    await until('it is asked again', () => auditor.asked === 2);
    assert.equal(auditor.mostOpen, 1);
    held.resolve();
    await until('verdicts are there', () => state.get('verdicts') !== null);
  });

  it('asks nothing while it is not signed in, and for another token when its own is refused', async () => {
    token = null;
    link.start();
    await until('it says so', () => /not signed in/.test(said()));
    assert.equal(auditor.asked + auditor.told.length, 0);
    token = 'Bearer operator';
    auditor.outage = 401;
    await until('another token is wanted', () => refusals > 0);
    auditor.outage = null;
    await until('verdicts are there', () => state.get('verdicts') !== null);
  });

  it('outlives an auditor that is killed', async () => {
    link.start();
    await until('verdicts are there', () => state.get('verdicts') !== null);
    await auditor.close();
    await until('there are none', () => state.get('verdicts') === null);
    assert.match(said(), /cannot be told of faults/);
    auditor = await fakeAuditor();
  });
});

describe('a fault', () => {
  let bench: Bench;
  let auditor: FakeAuditor;
  let victim: Victim;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    [auditor, victim] = await Promise.all([fakeAuditor(), bench.victim('victim-1')]);
    chaos = await bench.start({ AUDITOR_URL: auditor.url, INSTANCES: `victim-1=${victim.url}` });
  });
  after(async () => {
    await bench.close();
    await auditor.close();
  });

  it('is told to the auditor when it begins, and when what it hurt works again', async () => {
    await until('the window is closed', () => auditor.told.at(-1)?.active === false);
    const fault = await chaos.inject({
      kind: 'point',
      instance: 'victim-1',
      point: 'victim.work',
      action: 'error',
      seconds: 60,
    });
    await until('it is told', () => auditor.told.at(-1)?.active === true);
    await chaos.call('DELETE', `/faults/${fault.id}`);
    const { endedAt } = await chaos.healed(fault.id);
    await until('its end is told', () => auditor.told.at(-1)?.active === false);
    assert.ok(Date.parse(auditor.told.at(-1)!.lastHealAt!) >= Date.parse(endedAt!));
  });
});
