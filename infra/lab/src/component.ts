/** One supervised process: started in a group of its own, watched until ready, restarted when it dies, ended for certain. */
import { spawn, type ChildProcess } from 'node:child_process';
import { get } from 'node:http';
import { join } from 'node:path';
import type { ComponentKind, ComponentState, OnEvent } from './events.ts';
import { LogFile } from './log-file.ts';
import { describe, LabProblem } from './problem.ts';
import { loopback, requireFreePort } from './ports.ts';
import { markerVariable, type ProcessIdentity, send, startTimeOf, treeOf } from './process-table.ts';
import { pause, until } from './waiting.ts';

/** How to run one process of the lab. Times are milliseconds. */
export type ComponentSpec = {
  name: string;
  kind: ComponentKind;
  /** The port it is known by; the others it needs free are in `morePorts`. */
  port: number;
  morePorts?: readonly number[];
  /** What a person is told: a URL or host:port without secrets. */
  address: string;
  command: string;
  arguments: readonly string[];
  workingDirectory: string;
  /** The whole environment of the child; nothing is inherited. */
  environment: Record<string, string>;
  /** Runs the child as another user; only root can. */
  user?: { uid: number; gid: number };
  stopSignal: NodeJS.Signals;
  stopTimeout: number;
  readyTimeout: number;
  /** One look at whether it is ready; throwing means "not yet" and is quoted when the time is over. */
  probe: (signal: AbortSignal) => Promise<boolean>;
  /** Put right what an earlier crash left, before every start. */
  beforeStart?: () => Promise<void>;
};

/** What {@link Component.describe} answers; `seconds` is how long the last start took. */
export type ComponentReport = {
  name: string;
  kind: ComponentKind;
  state: ComponentState;
  port: number;
  address: string;
  seconds: number;
  restarts: number;
  log: string;
  process: ProcessIdentity | null;
};

/**
 * How long to wait before a restart; the later ones for a component that did not become ready after the one before, the last
 * one again and again. Whatever was ready begins with the first, however soon it died: being killed is no fault of its own,
 * and one that dies by itself each time is slowed down by its own start.
 */
export const restartDelays: readonly number[] = [100, 500, 1000, 2000, 5000];

const probeTimeout = 1000;
const probeInterval = 50;

type Run = {
  child: ChildProcess;
  identity: ProcessIdentity;
  ended: Promise<void>;
  hasEnded: boolean;
};

/** Supervises one process. All methods may be called at any time; those that start and stop wait for each other. */
export class Component {
  readonly spec: ComponentSpec;
  readonly #labDirectory: string;
  readonly #onEvent: OnEvent;
  readonly #onChange: () => void;
  readonly #log: LogFile;
  #state: ComponentState = 'waiting';
  #run: Run | undefined;
  #wanted = false;
  #seconds = 0;
  #restarts = 0;
  #restartsInARow = 0;
  #everReady = false;
  #ending = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    spec: ComponentSpec,
    labDirectory: string,
    logs: string,
    callbacks: { onEvent: OnEvent; onChange: () => void },
  ) {
    this.spec = spec;
    this.#labDirectory = labDirectory;
    this.#onEvent = callbacks.onEvent;
    this.#onChange = callbacks.onChange;
    this.#log = new LogFile(join(logs, `${spec.name}.log`), (line) =>
      this.#onEvent({ type: 'log', component: spec.name, ...line }),
    );
  }

  /** Where it is in its life. */
  get state(): ComponentState {
    return this.#state;
  }

  /** Everything `status` shows. */
  describe(): ComponentReport {
    const { name, kind, port, address } = this.spec;
    return {
      name,
      kind,
      state: this.#state,
      port,
      address,
      seconds: this.#seconds,
      restarts: this.#restarts,
      log: this.#log.path,
      process: this.#run?.identity ?? null,
    };
  }

  /**
   * Starts it and waits until it is ready. `environment` is added for this one start only.
   * @throws LabProblem when it dies first, is not ready in time, or its port is taken.
   */
  async start(environment: Record<string, string> = {}): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#run !== undefined) return;
      this.#wanted = true;
      this.#ending = new AbortController();
      try {
        await this.#launch(environment);
      } catch (error) {
        this.#enter(this.#wanted ? 'failed' : 'stopped');
        throw error;
      }
    });
  }

  /** Ends it, politely first, and everything it started; it stays down until {@link start}. */
  async stop(signal: NodeJS.Signals = this.spec.stopSignal): Promise<void> {
    this.#wanted = false;
    this.#ending.abort(new LabProblem(this.spec.name, `${this.spec.name} was stopped.`));
    await this.#inTurn(async () => {
      await this.#end(signal);
      this.#enter('stopped');
    });
  }

  /** Stops it with `signal` and starts it again, with `environment` added for this one start. */
  async restart(options: { environment?: Record<string, string>; signal?: NodeJS.Signals } = {}): Promise<void> {
    await this.stop(options.signal);
    this.#restarts += 1;
    await this.start(options.environment);
  }

  /**
   * Sends a signal to its process group and, for SIGKILL, waits until it is gone; supervision then restarts it.
   * Answers false when it was down already.
   */
  async kill(signal: NodeJS.Signals): Promise<boolean> {
    const run = this.#run;
    if (run === undefined || run.hasEnded) return false;
    const sent = send(-run.identity.pid, signal);
    if (signal === 'SIGKILL') await run.ended;
    return sent;
  }

  /** Freezes it and everything below it. */
  pause(): void {
    if (this.#run === undefined) throw this.#notRunning('SIGSTOP');
    for (const pid of treeOf(this.#run.identity.pid)) send(pid, 'SIGSTOP');
    this.#enter('paused');
  }

  /** Lets a frozen component go on. */
  resume(): void {
    if (this.#run === undefined) throw this.#notRunning('SIGCONT');
    for (const pid of treeOf(this.#run.identity.pid).toReversed()) send(pid, 'SIGCONT');
    if (this.#state === 'paused') this.#enter('ready');
  }

  /** Waits until it is ready again, whoever restarts it. @throws LabProblem when it is not within `timeout` milliseconds. */
  async waitUntilReady(timeout: number): Promise<void> {
    if (await until(() => this.#state === 'ready', { timeout })) return;
    throw new LabProblem(
      this.spec.name,
      `${this.spec.name} at ${this.spec.address} is ${this.#state} and not ready after ${timeout / 1000} s; its log is ${this.#log.path}.`,
    );
  }

  /** Closes the log; call once it is stopped for good. */
  close(): void {
    this.#log.close();
  }

  async #launch(environment: Record<string, string>): Promise<void> {
    const started = performance.now();
    this.#enter(this.#everReady ? 'restarting' : 'starting');
    try {
      await this.spec.beforeStart?.();
      for (const port of [this.spec.port, ...(this.spec.morePorts ?? [])]) {
        await requireFreePort(this.spec.name, port);
      }
      const run = await this.#spawn(environment);
      await this.#waitForProbe(run);
    } catch (error) {
      await this.#end('SIGKILL');
      throw this.#ending.signal.aborted ? this.#ending.signal.reason : error;
    }
    this.#seconds = (performance.now() - started) / 1000;
    this.#everReady = true;
    this.#enter('ready');
    if (this.#run?.hasEnded === true) this.#onDeath();
  }

  async #spawn(environment: Record<string, string>): Promise<Run> {
    const { command, user, workingDirectory } = this.spec;
    const child = spawn(command, this.spec.arguments, {
      cwd: workingDirectory,
      env: { ...this.spec.environment, ...environment, [markerVariable]: this.#labDirectory },
      detached: true,
      stdio: ['ignore', this.#log.descriptor, this.#log.descriptor],
      ...user,
    });
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    if (child.pid === undefined) {
      throw new LabProblem(
        this.spec.name,
        `${this.spec.name} could not be started: ${describe(await failed)} when running ${command}; check that the file is there and may be executed.`,
      );
    }
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const run: Run = {
      child,
      identity: { pid: child.pid, startTime: startTimeOf(child.pid) ?? '' },
      ended,
      hasEnded: false,
    };
    child.once('exit', () => {
      run.hasEnded = true;
      // What it started must not outlive it: the next start wants its ports.
      send(-run.identity.pid, 'SIGKILL');
      end();
      if (this.#run === run && this.#isUp()) this.#onDeath();
    });
    this.#run = run;
    this.#onChange();
    return run;
  }

  async #waitForProbe(run: Run): Promise<void> {
    let lastFailure = 'it gave no answer';
    const ready = await until(
      async () => {
        if (run.hasEnded) throw this.#diedEarly(run.child);
        const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(probeTimeout)]);
        try {
          return await this.spec.probe(signal);
        } catch (error) {
          lastFailure = describe(error);
          return false;
        }
      },
      { timeout: this.spec.readyTimeout, interval: probeInterval, signal: this.#ending.signal },
    );
    if (ready) return;
    throw new LabProblem(
      this.spec.name,
      `${this.spec.name} at ${this.spec.address} was not ready ${this.spec.readyTimeout / 1000} s after its start: ${lastFailure}; its log is ${this.#log.path}.`,
    );
  }

  #onDeath(): void {
    const run = this.#run;
    if (run === undefined || !this.#wanted) return;
    this.#run = undefined;
    this.#restartsInARow = 0;
    this.#scheduleRestart(run.child.exitCode, run.child.signalCode);
  }

  #scheduleRestart(code: number | null, signal: NodeJS.Signals | null): void {
    const restartIn = restartDelays[Math.min(this.#restartsInARow, restartDelays.length - 1)] ?? 0;
    this.#restartsInARow += 1;
    this.#enter('restarting');
    const lastLine = this.#log.lastLines().at(-1) ?? '';
    this.#onEvent({ type: 'exit', component: this.spec.name, code, signal, restartIn, lastLine });
    void this.#inTurn(async () => {
      try {
        await pause(restartIn, this.#ending.signal);
        if (!this.#wanted || this.#run !== undefined) return;
        this.#restarts += 1;
        await this.#launch({});
      } catch (error) {
        if (!this.#wanted) return;
        this.#onEvent({
          type: 'log',
          component: this.spec.name,
          level: 'error',
          message: describe(error),
        });
        this.#scheduleRestart(null, null);
      }
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    if (!run.hasEnded) {
      const frozen = this.#state === 'paused' ? treeOf(run.identity.pid) : [];
      this.#enter('stopping');
      send(signal === 'SIGKILL' ? -run.identity.pid : run.identity.pid, signal);
      for (const pid of frozen) send(pid, 'SIGCONT');
      if (!(await until(() => run.hasEnded, { timeout: this.spec.stopTimeout, interval: 10 }))) {
        for (const pid of treeOf(run.identity.pid)) send(pid, 'SIGKILL');
        send(-run.identity.pid, 'SIGKILL');
      }
      await run.ended;
    }
    this.#run = undefined;
    this.#onChange();
  }

  #diedEarly(child: ChildProcess): LabProblem {
    const { name, address } = this.spec;
    const how = child.signalCode === null ? `with code ${child.exitCode}` : `by ${child.signalCode}`;
    const lines = this.#log.lastLines();
    const said = lines.findLast((line) => /error|fatal|cannot|could not|must|invalid/i.test(line)) ?? lines.at(-1);
    const quote = said === undefined ? 'it said nothing' : `it said "${said.slice(0, 300)}"`;
    return new LabProblem(
      name,
      `${name} at ${address} ended ${how} before it was ready: ${quote}; the whole log is ${this.#log.path}.`,
    );
  }

  #notRunning(signal: NodeJS.Signals): LabProblem {
    return new LabProblem(
      this.spec.name,
      `${this.spec.name} is ${this.#state}, so ${signal} cannot be sent to it; wait until it is ready.`,
    );
  }

  #isUp(): boolean {
    return this.#state === 'ready' || this.#state === 'paused';
  }

  #enter(state: ComponentState): void {
    if (state === this.#state) return;
    this.#state = state;
    const { name, kind, address } = this.spec;
    this.#onEvent({ type: 'state', component: name, kind, state, seconds: this.#seconds, address });
    this.#onChange();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }
}

/** `http://127.0.0.1:<port>` */
export function localUrl(port: number): string {
  return `http://${loopback}:${port}`;
}

/** A probe that is satisfied by a 200 from `url`; anything else is quoted as the reason. */
export function httpProbe(url: string): ComponentSpec['probe'] {
  return async (signal) => {
    // Not fetch: eight components asking twenty times a second would cost a good part of a core while they start.
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const request = get(url, { signal, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(true);
        else reject(new Error(`GET ${url} answered ${response.statusCode} ${body.slice(0, 300)}`));
      });
    });
    // Stays attached: an aborted request may report a second error.
    request.on('error', reject);
    return await promise;
  };
}
