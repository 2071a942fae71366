/**
 * The device path in a whole mesh: devices of every kind are treated and counted as they should be, every panel has
 * something to draw and the page draws it, and a gateway that is killed leaves no wrong number behind.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createShopper, type Shopper } from '@ballast/campaign';
import { PanelData, PanelList, Verdicts, type Verdict } from '@ballast/contracts';
import { demoAccounts } from '@ballast/lab';
import { until } from '@ballast/testing';
import { Compile } from 'typebox/compile';
import { looksRight } from './browser/looks.ts';
import { openShop, type Shop } from './browser/shop.ts';
import type { TestMesh } from './support.ts';

const root = join(import.meta.dirname, '../..');
const listCheck = Compile(PanelList);
const dataCheck = Compile(PanelData);
const verdictCheck = Compile(Verdicts);

/** All scenarios but those that wait for half a minute. */
const mix =
  'valid=4,expired=1,not_yet_valid=1,wrong_key=1,unknown_kid=1,alg_none=1,alg_confusion=1,wrong_issuer=1,wrong_audience=1,' +
  'wrong_type=1,missing_claim=1,revoked=1,malformed=1,oversized=1,byte_by_byte=1,silent=1,flood=1,reconnect_storm=2,replaced=1';

describe('devices of a mesh', () => {
  let shop: Shop;
  let test: TestMesh;
  let operator: Shopper;
  let token: string;

  before(async () => {
    shop = await openShop('full');
    ({ test } = shop);
    const { urls } = test.mesh;
    operator = await createShopper({ bffUrl: urls['bff']!, identityUrl: urls['identity']!, ...demoAccounts[1]! });
    const answer = await fetch(`${urls['identity']!}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(demoAccounts[1]),
    });
    token = ((await answer.json()) as { accessToken: string }).accessToken;
  });
  after(async () => {
    await operator.close();
    await shop.close();
  });

  const get = async (name: string, path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(`${test.mesh.urls[name]!}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(10_000),
    });
    assert.ok(answer.ok, `${path} answered ${answer.status}`);
    return answer;
  };
  const metric = async (name: string): Promise<number | undefined> => {
    const text = await (await get('analytics', '/metrics')).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return lines.length === 0 ? undefined : lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  /** Invariants 11 and 12. */
  const verdicts = async (): Promise<Verdict[]> => {
    const answer: unknown = await (await get('auditor', '/verdicts')).json();
    assert.ok(verdictCheck.Check(answer));
    const ofDevices = answer.items.filter(({ invariant }) => invariant === 11 || invariant === 12);
    assert.equal(ofDevices.length, 2);
    return ofDevices;
  };
  /** Waits until both hold. What must hold at any time is not waited for once it is violated. */
  const bothHold = async (): Promise<void> => {
    const broken = await until('invariants 11 and 12 to hold', async () => {
      const now = await verdicts();
      const violated = now.filter(({ when, state }) => when === 'always' && state === 'violated');
      if (violated.length > 0) return violated;
      assert.deepEqual(
        now.filter(({ state }) => state !== 'holds'),
        [],
      );
      return [];
    });
    assert.deepEqual(broken, []);
  };

  it('are treated and counted as they should be, each in its way', async () => {
    const [product] = await test.shopper.products();
    const ordering = (async () => {
      for (const method of ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_card_visa'])
        await test.shopper.order([{ productId: product!.productId, quantity: 1 }], { provider: 'stripe', method });
    })();
    const { port } = new URL(test.mesh.pages['devices (TCP)']!);
    const simulator = spawn(
      process.execPath,
      [
        join(root, 'apps/simulator/src/main.ts'),
        ...`--port-base ${Number(port) - 88} --devices 60 --seconds 8 --rate 2 --patience 10 --mix ${mix}`.split(' '),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [simulator.stdout, simulator.stderr]) stream.on('data', (data) => (output += String(data)));
    const [code] = (await once(simulator, 'close')) as [number | null];
    await ordering;
    assert.equal(code, 0, output);
    assert.match(output, /All as expected\./);
    await bothHold();
  });

  it('and everything else are drawn: every panel’s query finds a series with something in it', async () => {
    const answer = await operator.call('GET', '/api/metrics/panels');
    assert.equal(answer.status, 200);
    const list: unknown = answer.body;
    assert.ok(listCheck.Check(list));
    assert.ok(list.panels.length >= 20);
    for (const { id, expr } of list.panels) {
      await until(`${id} to have a series: ${expr}`, async () => {
        const { status, body } = await operator.call('GET', `/api/metrics/panels/${id}?minutes=5`);
        assert.equal(status, 200);
        assert.ok(dataCheck.Check(body));
        return body.series.some(({ points }) => points.some(([, value]) => value !== null));
      });
    }
  });

  it('are seen on /metrics-view: every panel draws something, for the keyboard, the phone and the dark as well', async () => {
    await shop.visit({}, async ({ page, context }) => {
      await page.goto('/metrics-view');
      await page.getByRole('link', { name: 'Sign in as an operator' }).click();
      await page.getByTestId('fill-demo-account').click();
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.waitForURL(/\/metrics-view$/);
      await page.locator('[data-testid=metrics-freshness][data-freshness=live]').waitFor();
      const all = page.locator('[data-testid^=panel-]');
      await until('every panel to draw something', async () => {
        const states = await all.evaluateAll((panels) => panels.map((panel) => panel.getAttribute('data-panel-state')));
        return states.length >= 20 && states.every((state) => state === 'shown');
      });
      const shown = async (id: string): Promise<number> =>
        Number((await page.getByTestId(`panel-${id}`).getByTestId('stat-value').innerText()).replaceAll(/\D/g, ''));
      for (const [panel, name] of [
        ['devices-attempts', 'auth_attempts_total'],
        ['devices-refused', 'auth_failures_total'],
      ] as const)
        await until(`${panel} to show ${name}`, async () => (await shown(panel)) === (await metric(name)));
      await page.getByRole('slider', { name: 'Moment in Authentications a second' }).press('ArrowLeft');
      await page.getByText('Show as table: Requests a second').click();
      await page
        .getByRole('row', { name: /^checkout / })
        .first()
        .waitFor();
      await page.getByRole('radio', { name: '5 min', exact: true }).check({ force: true });
      await page.waitForURL(/minutes=5$/);
      await looksRight(page, 'the panels');
      if (process.env['PICTURES'] !== undefined)
        await page.screenshot({ path: join(process.env['PICTURES'], 'metrics.png'), fullPage: true });
      const cookies = await context.cookies();
      await shop.visit({ width: 360, scheme: 'dark' }, async (phone) => {
        await phone.context.addCookies(cookies);
        await phone.page.goto('/metrics-view');
        await phone.page.locator('[data-testid=panel-mesh-sagas][data-panel-state=shown]').waitFor();
        await looksRight(phone.page, 'the panels on a phone');
        if (process.env['PICTURES'] !== undefined)
          await phone.page.screenshot({ path: join(process.env['PICTURES'], 'metrics-phone.png'), fullPage: true });
      });
    });
  });

  it('leave the gauge when their gateway is killed, and are all in it again when they have come back', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 30 }, async (_, place) => {
        const body = JSON.stringify({ deviceId: `e2e-${place}` });
        const made = (await (await get('identity', '/devices', { method: 'POST', body })).json()) as { token: string };
        return made.token;
      }),
    );
    let sockets: Socket[] = [];
    const storm = async (): Promise<void> => {
      sockets = await Promise.all(tokens.map(join1));
    };
    const { hostname, port } = new URL(test.mesh.pages['devices (TCP)']!);
    const join1 = async (deviceToken: string): Promise<Socket> => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(`${JSON.stringify({ type: 'auth', token: deviceToken })}\n`),
      );
      const [line] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      assert.match(line.toString(), /"accepted"/);
      socket.on('error', () => socket.destroy()).resume();
      return socket;
    };
    const shows = (count: number) => async (): Promise<boolean> =>
      (await metric('active_connections_total')) === count && (await metric('active_sessions')) === count;
    await storm();
    await until('thirty of them in the gauge', shows(30));
    const attempts = (await metric('auth_attempts_total'))!;

    // Supervision starts the next one at once; its devices wait until the gauge has told that they are gone.
    const killedAt = performance.now();
    assert.equal(await test.mesh.kill('tcp-gateway'), true);
    await until('none in the gauge', shows(0), 15_000);
    const gone = performance.now() - killedAt;
    await test.mesh.waitUntilReady(['tcp-gateway']);
    await storm();
    await until('all of them in it again', shows(30));
    await until('every attempt', async () => (await metric('auth_attempts_total')) === attempts + 30);
    await bothHold();
    assert.ok(gone < 15_000, `${gone} ms`);
    for (const socket of sockets) socket.destroy();
    await until('none in the gauge, for they hung up', shows(0));
  });
});
