/** Explains in a sentence which runner would take a task now, with the code that routes and selects. */
import type { ProjectId, Routing, Runner } from '../../../protocol/index.ts';
import { occupancy } from '../runners/slots.ts';
import { whyNobody } from './reason.ts';
import { globalQueue, route } from './routing.ts';
import { canServe, chooseRunner } from './select-runner.ts';

const stateOf = (runner: Runner): string => {
  switch (runner.status) {
    case 'stopped':
    case 'offline':
      return 'asleep, woken for it';
    case 'starting':
      return 'starting';
    case 'stopping':
      return 'stopping, started again for it';
    case 'draining':
      return 'about to sleep, kept on for it';
    case 'online':
      return `online, ${occupancy(runner)} slots in use`;
  }
};

const others = (names: readonly string[]): string =>
  names.length === 0 ? '' : ` ${names.join(', ')} could take it too.`;

/** Predicts the route of a task with this tag, started now. */
export const explainRoute = (
  task: { readonly projectId: ProjectId; readonly tag?: string },
  projectRunners: readonly Runner[],
  globalRunners: readonly Runner[],
): Routing => {
  const { queue, runners } = route(task, projectRunners, globalRunners);
  const isGlobal = queue === globalQueue;
  const chosen = chooseRunner(runners);
  const shown = {
    tag: task.tag,
    isGlobal,
    runners: runners.map((runner) => ({
      id: runner.id,
      name: runner.name,
      status: runner.status,
      canServe: canServe(runner),
    })),
  };
  if (!chosen) {
    const able = runners.filter(canServe);
    const full = able.map((runner) => `${runner.name} is full, ${occupancy(runner)}`).join('; ');
    const sentence = `${full}. The task would wait in line for the first free slot.`;
    return { ...shown, sentence: able.length > 0 ? sentence : whyNobody(task, runners) };
  }
  const whose = isGlobal ? 'global runner ' : '';
  const rest = runners.filter((runner) => runner.id !== chosen.id && canServe(runner));
  const why =
    task.tag !== undefined
      ? `It has tag ${task.tag}.`
      : isGlobal
        ? 'The task has no tag, and the project has no active untagged runner.'
        : 'The task has no tag, and neither has it.';
  return {
    ...shown,
    runnerId: chosen.id,
    sentence:
      `${whose}${chosen.name} would take it now (${stateOf(chosen)}). ${why}${others(rest.map(({ name }) => name))}`.replace(
        /^global/,
        'Global',
      ),
  };
};
