/**
 * Several processes, one simulation. The first waits for the others, gives the start to all, and reports for all; the others
 * play their share and end as the first one does.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Options } from '../config.ts';
import { Problem, wordsOf } from '../problem.ts';
import { sumOf, Tally, type Snapshot } from '../tally.ts';
import { createChannel, type Channel } from './channel.ts';
import { unwatched, type Crew } from './crew.ts';

const host = '127.0.0.1';
/** How long the first waits for the others, and they for it, in ms. */
const patienceMs = 60_000;
const retryMs = 250;
const tellEveryMs = 1_000;

/** What all processes have to have been told alike. */
function planOf({ allotted, seconds, gateway, identity, rate, patience, seed, join }: Options): string {
  return JSON.stringify({ allotted, seconds, gateway, identity, rate, patience, seed, processes: join.processes });
}

/** The other processes as seen by the first one. */
export interface Others extends Crew {
  /** Tells them that all is over, and with which exit code. */
  dismiss(code: number): void;
}

/** Waits until all others have joined; throws a {@link Problem} where they do not, or where they were told something else. */
export async function awaitOthers(options: Options, interrupted: Promise<void>): Promise<Others> {
  const { processes, port } = options.join;
  const plan = planOf(options);
  const members = new Map<number, Member>();
  const all = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    const member = new Member(socket, (number, theirs) => {
      if (theirs !== plan) return 'its options are not those of 1-of-N';
      if (number < 2 || number > processes || members.has(number)) return `${number}-of-${processes} is taken`;
      members.set(number, member);
      if (members.size === processes - 1) all.resolve();
      return undefined;
    });
  });
  server.on('error', (error) =>
    all.reject(new Problem(`--join-port: ${host}:${port} cannot be had (${error.message})`)),
  );
  server.listen(port, host);
  void interrupted.then(() => all.reject(new Problem('broken off before all processes had joined')));
  const impatience = setTimeout(() => {
    all.reject(
      new Problem(`--join: ${members.size + 1} of ${processes} processes were there after ${patienceMs / 1_000} s`),
    );
  }, patienceMs);
  try {
    await all.promise;
  } catch (error) {
    for (const member of members.values()) member.leave();
    throw error;
  } finally {
    clearTimeout(impatience);
    server.close();
  }
  const each = [...members.values()];
  return {
    prepared: unwatched(Promise.all(each.map((member) => member.prepared.promise)).then(() => {})),
    go: ({ startsAt, endsAt }) => each.forEach((member) => member.channel.say({ kind: 'go', startsAt, endsAt })),
    stop: () => each.forEach((member) => member.channel.say({ kind: 'stop' })),
    latest: () => sumOf(each.map((member) => member.latest)),
    done: unwatched(Promise.all(each.map((member) => member.done.promise)).then(sumOf)),
    dismiss: (code) => each.forEach((member) => member.channel.say({ kind: 'end', code })),
    end: async () => each.forEach((member) => member.leave()),
  };
}

/** One other process. */
class Member {
  readonly channel: Channel;
  readonly prepared = Promise.withResolvers<void>();
  readonly done = Promise.withResolvers<Snapshot>();
  latest = new Tally().snapshot();
  readonly #ticker: NodeJS.Timeout;

  /** `admit` says why it may not join, if so. */
  constructor(socket: Socket, admit: (process: number, plan: string) => string | undefined) {
    let name = 'a process that wanted to join';
    void unwatched(this.prepared.promise);
    void unwatched(this.done.promise);
    this.channel = createChannel(socket, {
      message: (message) => {
        if (message.kind === 'hello') {
          name = `process ${message.process}`;
          const refusal = admit(message.process, message.plan);
          if (refusal === undefined) return;
          this.channel.say({ kind: 'failed', message: refusal });
          this.channel.close();
        } else if (message.kind === 'prepared') this.prepared.resolve();
        else if (message.kind === 'failed') this.#fail(`${name}: ${message.message}`);
        else if (message.kind === 'snapshot' || message.kind === 'done') {
          this.latest = message.snapshot;
          if (message.kind === 'done') this.prepared.resolve();
          if (message.kind === 'done') this.done.resolve(message.snapshot);
        }
      },
      gone: (reason) => this.#fail(`${name} was lost: ${reason}`),
    });
    this.#ticker = setInterval(() => this.channel.say({ kind: 'still' }), tellEveryMs);
  }

  leave(): void {
    clearInterval(this.#ticker);
    this.channel.close();
  }

  #fail(message: string): void {
    clearInterval(this.#ticker);
    this.prepared.reject(new Problem(message));
    this.done.reject(new Problem(message));
  }
}

/**
 * Plays this process's share under the lead of the first; resolves to the exit code of all.
 */
export async function playAlong(options: Options, crew: Crew, say: (line: string) => void): Promise<number> {
  const { process, processes, port } = options.join;
  const socket = await reach(port);
  const verdict = Promise.withResolvers<number>();
  void unwatched(verdict.promise);
  const channel = createChannel(socket, {
    message: (message) => {
      if (message.kind === 'go') {
        say(`${process}-of-${processes}: playing`);
        crew.go(message);
      } else if (message.kind === 'stop') crew.stop();
      else if (message.kind === 'failed')
        verdict.reject(new Problem(`--join: 1-of-${processes} says: ${message.message}`));
      else if (message.kind === 'end') verdict.resolve(message.code);
    },
    gone: (reason) => {
      crew.stop();
      verdict.reject(new Problem(`--join: 1-of-${processes} was lost: ${reason}`));
    },
  });
  const ticker = setInterval(() => channel.say({ kind: 'snapshot', snapshot: crew.latest() }), tellEveryMs);
  channel.say({ kind: 'hello', process, plan: planOf(options) });
  say(`${process}-of-${processes}: joined; 1-of-${processes} reports`);
  const work = async (): Promise<never> => {
    try {
      await crew.prepared;
      channel.say({ kind: 'prepared' });
      channel.say({ kind: 'done', snapshot: await crew.done });
    } catch (error) {
      channel.say({ kind: 'failed', message: wordsOf(error) });
      throw error;
    }
    return new Promise<never>(() => {});
  };
  try {
    return await Promise.race([verdict.promise, work()]);
  } finally {
    clearInterval(ticker);
    channel.close();
  }
}

async function reach(port: number): Promise<Socket> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const socket = connect({ host, port, timeout: 2_000 });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (performance.now() > deadline)
        throw new Problem(
          `--join: nobody waits at ${host}:${port} (${wordsOf(error)}); start 1-of-N with the same --join-port`,
        );
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}
