/** The process of a crew that is apart: does what it is told over IPC, and ends with whoever started it. */
import { LocalCrew, type CrewAnswer, type CrewCall } from './crew.ts';

const crew = new LocalCrew(Number(process.argv[2]));

async function perform({ id, method, parameters }: CrewCall): Promise<CrewAnswer> {
  try {
    const work = crew[method] as (...all: unknown[]) => Promise<unknown>;
    return { id, result: (await work.apply(crew, parameters)) ?? null };
  } catch (error) {
    return { id, error: String(error) };
  }
}

process.on('message', (call: CrewCall) => {
  void perform(call).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit(0));
