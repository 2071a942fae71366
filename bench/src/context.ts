/** What every benchmark is given. */
export interface BenchContext {
  /** Administrators' URLs of parts that belong to this run alone. */
  urls: { postgres: string; rabbitmq: string; redis: string };
  /** Their processes. */
  parts: readonly number[];
  rounds: number;
  /** How long a contender works in one round, in ms. */
  roundMs: number;
  say: (line: string) => void;
}
