/** What a scenario is: what one kind of device does, over and over, and what should become of it. */
import type { OddTokenKind } from '@ballast/contracts';
import type { Connection } from '../devices/connection.ts';
import type { Forger } from '../devices/forgery.ts';
import type { GoodToken } from '../identity.ts';
import type { Tally } from '../tally.ts';

export interface Scenario {
  /** As it stands in `--mix`. */
  name: string;
  /** What the device does, in a few words. */
  does: string;
  /** Outcomes that are as they should be, the usual one first. Any other one is a finding. */
  expected: readonly [string, ...string[]];
  /** What identity is asked for beforehand: a good token, one that is wrong in one way, or nothing. */
  token: 'good' | OddTokenKind | 'none';
  /** Sockets a device has open at once. */
  sockets: number;
  /** Connects without showing a token, and so takes from what the gateway lets wait unknown. */
  unknown?: true;
  /** Its rounds end with the run by themselves; others are begun only where they can be finished by then. */
  lasting?: true;
  /** Between a device's rounds, in ms; spread by a quarter. */
  pauseMs: number;
  /** Plays one round, leaves no connection behind, and says what came of it. */
  play(stage: Stage): Promise<string>;
}

/** What a device in a scenario has to do with. Times are in ms. */
export interface Stage {
  readonly deviceId: string;
  /** From 0 on. */
  readonly round: number;
  /** What was asked for beforehand; empty for `none`. */
  readonly token: string;
  readonly forger: Forger;
  readonly tally: Tally;
  /** Telemetry frames a second. */
  readonly rate: number;
  readonly authDeadlineMs: number;
  /** How late a promised closing may be. */
  readonly patienceMs: number;
  random(): number;
  /** How long the run goes on; 0 once it is over. */
  left(): number;
  /** The run was broken off. */
  stopped(): boolean;
  /** Time until the next moment at which all devices of the storm hang up. */
  untilStorm(): number;
  /** Waits; not for longer than until the run is broken off. */
  pause(milliseconds: number): Promise<void>;
  /** Begins to connect, in turn with everybody else's, or `atOnce`. */
  connect(options?: { atOnce: boolean }): Promise<Connection>;
  /** Connects some times at once, as many as may be unknown to the gateway at a time; hangs up when `use` is done. */
  connectUnknown(wanted: number, use: (connections: readonly Connection[]) => Promise<string>): Promise<string>;
  newToken(): Promise<GoodToken>;
  revoke(tokenId: string): Promise<void>;
}

/** A round that the end of the run has cut short: it says nothing. */
export const brokenOff = 'broken off';
