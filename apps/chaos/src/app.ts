/** All of the chaos controller's wiring, from its settings to a server that is ready to listen. */
import { controls as knownControls, type FaultRequest } from '@ballast/contracts';
import { join } from 'node:path';
import { createHttpServer, createReporter, type App, type BuildContext } from '@ballast/service';
import { createAuditorLink } from './clients/auditor.ts';
import { createAsker } from './clients/http.ts';
import { createMesh } from './clients/mesh.ts';
import { createSession } from './clients/operator.ts';
import { createToxiproxy } from './clients/toxiproxy.ts';
import type { Config } from './config.ts';
import { cleanUp } from './faults/cleanup.ts';
import { acknowledgeAt, planControl } from './faults/controls.ts';
import { createFaults } from './faults/engine.ts';
import type { Plan } from './faults/lever.ts';
import { planLink } from './faults/links.ts';
import { planPart } from './faults/parts.ts';
import { notReady } from './faults/readiness.ts';
import { planPoint } from './faults/points.ts';
import { createTargets } from './faults/targets.ts';
import { createJournal } from './journal.ts';
import { missingOrders } from './experiments/promises.ts';
import { readLibrary } from './experiments/library.ts';
import { createRecorder } from './experiments/recorder.ts';
import { createRunner } from './experiments/runner.ts';
import { createLiveHub } from './live/index.ts';
import { createAccounts } from './load/accounts.ts';
import { createCaller } from './load/caller.ts';
import { createLoad, type LoadGenerator } from './load/load.ts';
import { createShelf } from './load/shelf.ts';
import { openControls } from './part-controls.ts';
import { faultRoutes } from './routes/faults.ts';
import { experimentRoutes } from './routes/experiments.ts';
import { loadRoutes } from './routes/load.ts';
import { createChaosState } from './state.ts';

/** How long an orderly end waits for faults to be taken back, in ms; the whole shutdown has nine seconds. */
const lastHealMs = 6_500;
const everyMs = 1_000;
/** Experiments are documents of up to 2,000 steps. */
const bodyLimit = 512 * 1024;

export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const report = createReporter(logger);
  const asker = createAsker(32);
  const state = createChaosState(config.instances);
  const session =
    config.OPERATOR_EMAIL === undefined || config.OPERATOR_PASSWORD === undefined
      ? null
      : createSession({
          asker,
          identityUrl: config.IDENTITY_URL,
          account: { email: config.OPERATOR_EMAIL, password: config.OPERATOR_PASSWORD },
          report,
        });
  const mesh = createMesh({ instances: config.instances, asker, session });
  const toxiproxy = config.TOXIPROXY_URL === undefined ? null : createToxiproxy(config.TOXIPROXY_URL, asker);
  const controls = openControls(config, asker, report);
  const targets = createTargets({ mesh, toxiproxy, state });
  const journal = createJournal();

  const point = planPoint(mesh, targets);
  const link = planLink(mesh, targets, toxiproxy);
  const part = planPart(mesh, targets, controls.parts);
  const negativeControls = knownControls.filter(({ plants }) =>
    plants.every(({ instance }) => mesh.find(instance) !== undefined),
  );
  const acknowledge =
    config.AUDITOR_URL === undefined || session === null ? null : acknowledgeAt(config.AUDITOR_URL, asker, session);
  const control = planControl({ mesh, state, known: negativeControls, acknowledge });
  const plan = async (id: string, request: FaultRequest): Promise<Plan> => {
    switch (request.kind) {
      case 'point':
        return await point(id, request);
      case 'link':
        return await link(id, request);
      case 'part':
        return await part(id, request);
      case 'control':
        return await control(id, request);
    }
  };
  const faults = createFaults({ plan, state, report });
  journal.onRequest((observation) => faults.note(observation));
  const recorder = createRecorder();
  const loading = config.BFF_URL === undefined ? null : openLoad(config.BFF_URL);
  const runner = createRunner({
    faults,
    check: async (request) => void (await plan('checked-only', request)),
    load: loading?.load ?? null,
    journal,
    state,
    notReady: () => notReady(mesh, mesh.instances),
    missing: async (orders) =>
      config.BFF_URL === undefined || session === null
        ? []
        : await missingOrders(orders, { asker, bffUrl: config.BFF_URL, operator: session }),
    recording: () => recorder.state(),
    report,
  });

  function openLoad(bffUrl: string): { load: LoadGenerator; close: () => Promise<void> } {
    const caller = createCaller(bffUrl, journal);
    const accounts = createAccounts({ asker, identityUrl: config.IDENTITY_URL, bffUrl, report });
    const shelf = createShelf({ asker, bffUrl, operator: session, report });
    const probing = (): boolean => state.get('watchers') > 0 || faults.busy() || runner.running();
    const load = createLoad({ caller, accounts, shelf, journal, state, probing });
    return {
      load,
      close: async () => {
        load.stop();
        accounts.stop();
        await caller.close();
      },
    };
  }

  const auditor =
    config.AUDITOR_URL === undefined || session === null
      ? null
      : createAuditorLink({ url: config.AUDITOR_URL, asker, session, state, window: () => faults.window(), report });
  faults.onWindow(() => auditor?.tell());

  const server = await createHttpServer({
    name: 'chaos',
    instance: config.INSTANCE,
    logger,
    metrics,
    // It breaks others; that they are broken does not make it unready.
    checks: [],
    issuer: config.IDENTITY_URL,
    bodyLimit,
  });
  server.addHook('onRoute', (route) => {
    // Whoever broke identity must be able to mend it while it cannot be asked who was signed out.
    if (route.config?.access === undefined) route.config = { access: 'operator', trustsStaleView: true };
  });
  faultRoutes(server, {
    faults,
    targets,
    controls: controls.parts,
    negativeControls,
    state,
    onInjected: (fault) => recorder.injected(fault),
  });
  loadRoutes(server, { load: loading?.load ?? null, state, onSet: (load) => recorder.loaded(load) });
  const library = readLibrary(join(import.meta.dirname, '../experiments'));
  experimentRoutes(server, { runner, recorder, library, faults, state });

  const hub = createLiveHub({
    state,
    authorization: () => session?.authorization() ?? null,
    auditorUrl: config.AUDITOR_URL ?? null,
    toxiproxyUrl: config.TOXIPROXY_URL ?? null,
    parts: [
      { name: 'postgres', url: config.POSTGRES_URL },
      { name: 'redis', url: config.REDIS_URL },
      { name: 'rabbitmq', url: config.AMQP_URL },
    ].flatMap(({ name, url }) => (url === undefined ? [] : [{ name, url }])),
    logger,
    metrics,
  });
  hub.routes(server);
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    server,
    start: async () => {
      await session?.start();
      timer = setInterval(() => {
        state.set('seconds', journal.finish());
        if (faults.busy()) faults.publish();
        if (runner.running() || recorder.state() !== null) runner.publish();
      }, everyMs);
      loading?.load.start();
      auditor?.start();
      hub.start();
      void targets.refresh();
      void cleanUp({ faults, mesh, toxiproxy, controls: controls.parts, negativeControls, report }, stopping.signal);
    },
    quiesce: async () => {
      stopping.abort();
      runner.stop();
      loading?.load.stop();
      await faults.close(lastHealMs);
    },
    stop: async () => {
      clearInterval(timer);
      auditor?.stop();
      await hub.stop();
      session?.stop();
      await loading?.close();
      await controls.close();
      await asker.close();
    },
  };
}
