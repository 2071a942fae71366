/** Experiments: run, stopped, listed, recorded. For operators. */
import { Experiment, Experiments, ExperimentState } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { Recorder } from '../experiments/recorder.ts';
import type { Runner } from '../experiments/runner.ts';
import type { Faults } from '../faults/engine.ts';
import type { ChaosState } from '../state.ts';
import { refuseStrangeSteps } from './naming.ts';

export function experimentRoutes(
  scope: HttpServer,
  parts: {
    runner: Runner;
    recorder: Recorder;
    library: readonly Experiment[];
    faults: Faults;
    state: ChaosState;
  },
): void {
  const { runner, recorder, library, faults, state } = parts;
  const tags = ['experiments'];
  const answer = { 200: ExperimentState, ...problemResponses };

  scope.get('/experiments', { schema: { tags, response: { 200: Experiments, ...problemResponses } } }, async () => ({
    items: [...library],
  }));
  scope.get('/experiment', { schema: { tags, response: answer } }, async () => runner.state());
  scope.post(
    '/experiment',
    {
      schema: { tags, body: Experiment, response: { 202: ExperimentState, ...problemResponses } },
      preValidation: async (request) => refuseStrangeSteps(request.body),
    },
    async (request, reply) => reply.code(202).send(await runner.run(request.body)),
  );
  scope.delete('/experiment', { schema: { tags, response: answer } }, async () => runner.stop());
  scope.post('/recording', { schema: { tags, response: answer } }, async () => {
    if (!recorder.begin(state.get('load').load)) {
      throw new ProblemError('conflict', 'What is done is being recorded already.');
    }
    runner.publish();
    return runner.state();
  });
  scope.delete('/recording', { schema: { tags, response: { 200: Experiment, ...problemResponses } } }, async () => {
    const experiment = recorder.end((id) => faults.find(id));
    if (experiment === null) throw new ProblemError('conflict', 'Nothing is being recorded.');
    runner.publish();
    return experiment;
  });
}
