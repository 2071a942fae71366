/** One simulation from its beginning to its report. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { askAnalytics, askSettled, type Counted } from './analytics.ts';
import type { Options } from './config.ts';
import { startThreads, together, type Crew } from './crew/crew.ts';
import { awaitOthers, playAlong, type Others } from './crew/join.ts';
import { checkLimits, socketsOf } from './limits.ts';
import { Problem, wordsOf } from './problem.ts';
import { compareCounts, findings, judgeScenarios, type Compared } from './report/comparison.ts';
import { countTable, latencyTable, ownCounts, scenarioTable } from './report/text.ts';
import { watchProgress, type Screen } from './report/progress.ts';
import { scenarioOf } from './scenarios/index.ts';
import type { Snapshot } from './tally.ts';

/** Between the word and the start, so that all threads and processes have heard it, in ms. */
const headStartMs = 500;
/** After the run's end, how long rounds that were begun may take beyond what they are known to, in ms. */
const graceMs = 90_000;
/** How long analytics may take to have counted all, in ms. */
const countedMs = 15_000;
const askEveryMs = 500;
/** After breaking off, for answers that were on their way, in ms. */
const brokenOffMs = 30_000;

/** Ends a simulation in order: everybody hangs up, and the report says what was seen so far. */
export interface Interruption {
  readonly requested: boolean;
  readonly signal: Promise<void>;
}

/** Runs a simulation; resolves to its exit code: 0 all as expected, 1 not, 130 broken off. Throws a {@link Problem}. */
export async function simulate(options: Options, screen: Screen, interruption: Interruption): Promise<number> {
  const { join } = options;
  screen.say(checkLimits(options));
  const threads = startThreads(options);
  try {
    if (join.process > 1) {
      void interruption.signal.then(() => threads.stop());
      return await playAlong(options, threads, (line) => screen.say(line));
    }
    await reachGateway(options.gateway);
    if (options.analytics !== undefined) await askAnalytics(options.analytics);
    if (join.processes === 1) return await lead(options, threads, screen, interruption);
    screen.say(`waiting for ${join.processes - 1} other processes at port ${join.port}`);
    const others: Others = await awaitOthers(options, interruption.signal);
    let code = 1;
    try {
      code = await lead(options, together([threads, others]), screen, interruption);
    } finally {
      others.dismiss(code);
      await others.end();
    }
    return code;
  } finally {
    await threads.end();
  }
}

/** Leads a crew through the run, and reports. */
async function lead(options: Options, crew: Crew, screen: Screen, interruption: Interruption): Promise<number> {
  const { allotted, devices, seconds, analytics } = options;
  const preparing = setInterval(() => {
    screen.progress(`preparing: ${crew.latest().prepared} of ${devices} devices have what they need`);
  }, 1_000);
  try {
    await Promise.race([crew.prepared, interruption.signal]);
  } finally {
    clearInterval(preparing);
    screen.clear();
  }
  if (interruption.requested) {
    screen.say('broken off before anything was played');
    return 130;
  }
  const before = analytics === undefined ? undefined : await askSettled(analytics);
  if (before?.settled === false)
    screen.say(
      'others play devices, too: analytics counts on while nothing is played here, so the comparison will differ',
    );

  const startsAt = Date.now() + headStartMs;
  const beginMs = (socketsOf(options) / options.connectRate) * 1_000;
  const endsAt = startsAt + beginMs + seconds * 1_000;
  screen.say(`${devices} devices begin within ${(beginMs / 1_000).toFixed(1)} s and play for ${seconds} s`);
  const stopWatching = watchProgress({ options, crew, screen, startsAt });
  let late = false;
  const limit = setTimeout(
    () => {
      late = true;
      crew.stop();
    },
    endsAt - Date.now() + unknownMs(options) + graceMs,
  );
  let last: ReturnType<typeof setTimeout> | undefined;
  const stuck = new Promise<never>((_, reject) => {
    void interruption.signal.then(() => {
      crew.stop();
      last = setTimeout(() => reject(new Problem('not everybody has ended within 30 s')), brokenOffMs);
    });
  });
  let seen: Snapshot;
  try {
    crew.go({ startsAt, endsAt });
    seen = await Promise.race([crew.done, stuck]);
  } catch (error) {
    seen = crew.latest();
    screen.clear();
    screen.say(`the run has failed: ${wordsOf(error)}; this is what was seen until then`);
    late = true;
  } finally {
    clearTimeout(limit);
    clearTimeout(last);
    stopWatching();
  }
  const whole = !interruption.requested;
  const results = judgeScenarios(allotted, seen, whole);
  const compared = before === undefined ? undefined : await compareInTime(analytics!, seen, before.counted, screen);
  const wrong = findings(results, compared);
  if (late) wrong.push('the run did not come to its end in time and was broken off');

  screen.say('', ...scenarioTable(results), '', ...latencyTable(seen), '');
  if (compared === undefined) screen.say(...ownCounts(seen), 'analytics was left out (--no-analytics)', '');
  else screen.say(...countTable(compared), '');
  if (seen.cut > 0) screen.say(`${seen.cut} connections were cut without a word: they count as over_capacity`);
  if (!whole) screen.say('broken off: this is what was seen until then');
  if (wrong.length === 0) screen.say('All as expected.');
  else screen.say(`${wrong.length} not as expected:`, ...wrong.map((line) => `  ${line}`));
  if (options.report !== undefined) await writeReport(options.report, { results, seen, compared, wrong, whole });
  return whole ? Math.min(1, wrong.length) : 130;
}

/** How long connections that show no token take until all have had their turn, in ms. */
function unknownMs({ allotted, unknown, authDeadline }: Options): number {
  const sockets = allotted
    .map(({ scenario, devices }) => ({ scenario: scenarioOf(scenario), devices }))
    .filter((each) => each.scenario.unknown === true)
    .reduce((sum, each) => sum + each.scenario.sockets * each.devices, 0);
  return Math.ceil(sockets / unknown) * authDeadline * 2_000;
}

/** Asks until analytics has counted the same, for a while. */
async function compareInTime(url: string, seen: Snapshot, before: Counted, screen: Screen): Promise<Compared[]> {
  const deadline = performance.now() + countedMs;
  let compared: Compared[] | undefined;
  let problem: unknown;
  for (;;) {
    try {
      compared = compareCounts(seen, before, await askAnalytics(url));
      if (compared.every(({ equal }) => equal)) return compared;
    } catch (error) {
      problem = error;
    }
    if (performance.now() > deadline) break;
    screen.progress('waiting for analytics to have counted the same');
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  screen.clear();
  if (compared === undefined) throw problem;
  return compared;
}

async function reachGateway({ host, port }: Options['gateway']): Promise<void> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(3_000) });
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : wordsOf(error);
    throw new Problem(
      `no gateway at ${host}:${port} (${why}); is the mesh running? (npm start) See --gateway and --port-base`,
    );
  } finally {
    socket.destroy();
  }
}

async function writeReport(file: string, report: object): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw new Problem(`--report: ${wordsOf(error)}`);
  }
}
