/** What a running lab tells whoever started it: `npm start` prints these, tests and the campaign assert on them. */

/** What a component is: a part is a product the mesh needs, a stand-in takes a product's place, a service is ours, a build makes files. */
export type ComponentKind = 'part' | 'stand-in' | 'service' | 'build';

/** Where a component is in its life. `paused` is SIGSTOP; `failed` is for ever, until somebody acts. */
export type ComponentState =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'restarting'
  | 'paused'
  | 'stopping'
  | 'stopped'
  | 'failed';

/** Something that happened. Times are milliseconds unless the name says otherwise. */
export type LabEvent =
  | {
      type: 'state';
      component: string;
      kind: ComponentKind;
      state: ComponentState;
      seconds: number;
      address: string;
    }
  | {
      type: 'exit';
      component: string;
      code: number | null;
      signal: NodeJS.Signals | null;
      restartIn: number;
      lastLine: string;
    }
  | { type: 'log'; component: string; level: 'warn' | 'error' | 'fatal'; message: string }
  | { type: 'progress'; component: string; message: string };

/** Receives events as they happen; must not throw. */
export type OnEvent = (event: LabEvent) => void;
