/** A saga's definition as data, as the engine hands it out and pages draw it. */
import { Type, type Static } from 'typebox';

export const SagaDiagram = Type.Object({
  name: Type.String(),
  initial: Type.String(),
  states: Type.Array(
    Type.Object({
      name: Type.String(),
      description: Type.String(),
      /** No transition leaves a final state. */
      final: Type.Boolean(),
      /** After this many seconds without progress the state's deadline event is raised; null without one. */
      deadlineSeconds: Type.Union([Type.Number(), Type.Null()]),
    }),
  ),
  transitions: Type.Array(
    Type.Object({
      from: Type.String(),
      event: Type.String(),
      to: Type.String(),
      /** Commands the transition sends. */
      sends: Type.Array(Type.String()),
      /** `forward` brings the saga nearer its goal, `failure` turns it round, `compensation` undoes. */
      kind: Type.Enum(['forward', 'failure', 'compensation']),
    }),
  ),
});
export type SagaDiagram = Static<typeof SagaDiagram>;
