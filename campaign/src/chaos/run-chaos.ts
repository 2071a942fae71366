/** One run: customers on one side, a schedule of faults on the other, and what rows, clients and the auditor say of it. */
import { availableParallelism, loadavg } from 'node:os';
import { demoAccounts, type Mesh } from '@ballast/lab';
import type { Experiment } from '@ballast/contracts';
import { request } from 'undici';
import type { Violation } from '../judge.ts';
import { verdict } from '../run.ts';
import { openController, type Controller } from './controller.ts';
import { FaultLog, faultsOf } from './fault-log.ts';
import { drainTimes, touches, type Span } from './figures.ts';
import { faultsFor, guards, recoveryFigures, type Evidence } from './guards.ts';
import { Monitor } from './monitor.ts';
import { drawPlan, fingerprintOf } from './plan.ts';
import { isPassed, type ChaosReport } from './report.ts';
import { calmDown, heal, type Settling } from './settle.ts';
import type { Stage } from './stage.ts';
import { rest } from './traffic/customer.ts';
import { Traffic } from './traffic/traffic.ts';
import { VerdictLog } from './verdict-log.ts';
import { judgeVersions } from './versions.ts';
import { Witness } from './witness.ts';

export interface ChaosOptions {
  seed: number;
  /** What is to be done; drawn from the seed where there is none. */
  experiment: Experiment | undefined;
  /** Length of a schedule that is drawn. */
  seconds: number;
  /** The command that does the same again. */
  repeat: string;
  /** Told of progress, in sentences. */
  say: (line: string) => void;
}

const link = 'payment-provider.bff';
/** Progress is told so often, in ms. */
const progressMs = 10_000;
/** How much longer than its schedule an experiment may run, in ms. */
const overtimeMs = 60_000;

/** Drives `stage.mesh` and judges it. The mesh is left running. */
export async function runChaos(stage: Stage, options: ChaosOptions): Promise<ChaosReport> {
  const { mesh, post } = stage;
  const { say } = options;
  const startedAt = new Date();
  const loadBefore = loadavg()[0]!;
  const [shopperAccount, operator] = [demoAccounts[0]!, demoAccounts[1]!];
  if (mesh.urls['chaos'] === undefined || mesh.urls['auditor'] === undefined) {
    throw new Error(`this mesh has no chaos controller or no auditor (${shopperAccount.email} could order, no more)`);
  }
  const controller = await openController({
    identity: mesh.urls['identity']!,
    chaos: mesh.urls['chaos'],
    auditor: mesh.urls['auditor'],
    operator,
  });
  const witness = new Witness(mesh.databaseUrl);
  const faults = new FaultLog();
  const verdicts = new VerdictLog();
  const monitor = new Monitor({ controller, faults, verdicts });
  let traffic: Traffic | undefined;
  try {
    post.deliverTo(await webhookAddress(mesh));
    await witness.noteVersions();
    traffic = await Traffic.open({
      urls: {
        bffUrl: mesh.urls['bff']!,
        identityUrl: mesh.urls['identity']!,
        devicesUrl: mesh.pages['devices (TCP)']!,
      },
      operator,
      post,
      seed: options.seed,
    });
    const targets = await controller.targets();
    const experiment = options.experiment ?? drawPlan({ seed: options.seed, seconds: options.seconds, targets });
    say(
      `${experiment.name}: ${faultsOf(experiment).length} faults in ${experiment.seconds} s, of targets ${fingerprintOf(targets)}`,
    );
    monitor.start(progress(traffic, faults, say));
    witness.watch();
    traffic.start();
    await carryOut(controller, monitor, experiment);
    say('the schedule is over');
    await traffic.stop();

    const settling: Settling = { mesh, controller, monitor, faults, verdicts, witness, say };
    const found = [...(await heal(settling)), ...(await calmDown(settling))];
    await monitor.stop();
    await monitor.look();
    say('judging rows');
    const { promised } = traffic;
    const load = monitor.load ?? (await controller.load());
    found.push(
      ...verdicts.violations(),
      ...(await verdict(mesh, promised.placed)),
      ...(await witness.missing({
        claims: promised.claimed,
        events: promised.events,
        orders: load.accepted + promised.placed.length,
      })),
      ...told(promised.violations),
      ...told(
        judgeVersions({
          rows: await witness.versions(),
          sightings: promised.sightings,
          edits: promised.edits,
          exits: stage.exits,
        }),
      ),
    );
    const sagas = await witness.sagaRows();
    const onTimes = faults.onTimes;
    const calm = promised.firstAttempts.filter((order) => !touches(order, faults.windows));
    const ends: Record<string, number> = {};
    for (const { state } of sagas) ends[state] = (ends[state] ?? 0) + 1;
    const evidence: Evidence = {
      faultsWanted: options.experiment === undefined ? faultsFor(experiment.seconds) : faultsOf(experiment).length,
      faults: faults.injected.length,
      calmOrders: { all: calm.length, accepted: calm.filter(({ accepted }) => accepted).length },
      sagas: {
        all: sagas.length,
        touched: sagas.filter(({ span }) => touches(span, onTimes)).length,
        completed: ends['Completed'] ?? 0,
        compensated: ends['Compensated'] ?? 0,
      },
      invariants: {
        all: verdicts.checked().length,
        neverKnown: verdicts.neverKnown().map(({ invariant }) => invariant),
      },
    };
    const recoveries = [
      ...faults.recoveries(),
      ...drains('outbox', witness.outbox, faults.windows),
      ...drains('sagas', witness.sagas, faults.windows),
    ];
    const report = {
      repeat: options.repeat,
      startedAt: startedAt.toISOString(),
      seconds: { scheduled: experiment.seconds, whole: (Date.now() - startedAt.getTime()) / 1_000 },
      machine: { cores: availableParallelism(), loadBefore, loadAfter: loadavg()[0]! },
      targets: fingerprintOf(targets),
      experiment,
      faults: { injected: faults.injected.length, kinds: faults.counts(), missing: faults.missing(experiment) },
      recovery: recoveryFigures(recoveries),
      auditor: { answers: verdicts.answers, silences: verdicts.silences, invariants: verdicts.checked() },
      load,
      traffic: promised.figures,
      ends,
      guards: guards(evidence),
      violations: found,
    };
    return { ...report, passed: isPassed(report) };
  } finally {
    await monitor.stop();
    await traffic?.close();
    await witness.close();
    await controller.close();
  }
}

/** Lets the controller run it and waits until its time is over; that it then heals and judges is its own affair. */
async function carryOut(controller: Controller, monitor: Monitor, experiment: Experiment): Promise<void> {
  await controller.run(experiment);
  await monitor.look();
  const never = new AbortController().signal;
  const deadline = Date.now() + experiment.seconds * 1_000 + overtimeMs;
  while (monitor.experiment?.phase === 'running') {
    await rest(250, never);
    monitor.requireController();
    if (Date.now() > deadline) throw new Error('the controller does not come to the end of its schedule');
  }
}

/** Where the provider's webhooks enter the mesh: by its own link, so that this one can be broken, too. */
async function webhookAddress(mesh: Mesh): Promise<string> {
  const toxiproxy = mesh.urls['toxiproxy'];
  if (toxiproxy === undefined) return mesh.urls['bff']!;
  const response = await request(`${toxiproxy}/proxies`, { headersTimeout: 5_000, bodyTimeout: 5_000 });
  const proxies = (await response.body.json()) as Record<string, { listen?: string }>;
  const listen = proxies[link]?.listen;
  return listen === undefined ? mesh.urls['bff']! : `http://${listen}`;
}

function progress(traffic: Traffic, faults: FaultLog, say: (line: string) => void): (monitor: Monitor) => void {
  let toldAt = 0;
  return ({ experiment, load }) => {
    if (experiment?.phase !== 'running' || Date.now() - toldAt < progressMs) return;
    toldAt = Date.now();
    const { placed } = traffic.progress;
    const now = faults.unhealed.map(({ title }) => title).join('; ');
    say(
      `${Math.round(experiment.elapsed)} s: ${faults.injected.length} faults, ${placed + (load?.accepted ?? 0)} orders; now ${now === '' ? 'nothing is broken' : now}`,
    );
  };
}

const told = (sentences: readonly string[]): Violation[] =>
  sentences.map((sentence) => {
    const [invariant, ...detail] = sentence.split(': ');
    return { invariant: invariant ?? '', detail: detail.join(': ') };
  });

function drains(kind: string, backlogs: Parameters<typeof drainTimes>[0], windows: readonly Span[]) {
  return drainTimes(backlogs, windows).map((milliseconds) => ({
    kind,
    title: `what waited (${kind})`,
    milliseconds,
    alone: true,
  }));
}
