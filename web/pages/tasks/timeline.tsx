/** Steps of a task, each with the time that it took. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { hasEnded, type Task, type TaskTimeline as Timeline } from '../../../protocol/index.ts';
import { taskTimelineQuery } from '../../data/dashboard.ts';
import { Icon } from '../../ui/icons.tsx';
import { Duration, Moment } from '../../ui/time.tsx';

type Step = Timeline['steps'][number];

const names: Readonly<Record<Step['step'], string>> = {
  queued: 'Queued',
  runner_chosen: 'Runner chosen',
  webhook_sent: 'Webhook sent',
  instance_starting: 'Instance starting',
  agent_online: 'Agent online',
  claimed: 'Claimed',
  running: 'Running',
  finished: 'Finished',
  instance_stopped: 'Instance stopped',
};

/** Steps known before the timeline is loaded. */
const knownSteps = (task: Task): Step[] => [
  { step: 'queued', at: task.createdAt, isNeeded: true },
  ...(['claimed', 'running', 'finished'] as const).map((step) => {
    const at = { claimed: task.claimedAt, running: task.startedAt, finished: task.finishedAt }[step];
    return { step, isNeeded: true, at };
  }),
];

const stateOf = (step: Step, isNext: boolean): 'done' | 'now' | 'ahead' | 'skipped' => {
  if (step.at) return 'done';
  if (!step.isNeeded) return 'skipped';
  return isNext ? 'now' : 'ahead';
};

export const TaskTimeline = ({ task }: { readonly task: Task }): ReactNode => {
  const { data } = useQuery(taskTimelineQuery(task));
  const steps = data?.steps ?? knownSteps(task);
  const last = steps.findLastIndex(({ at }) => at !== undefined);
  const next = steps.findIndex(({ at, isNeeded }, index) => index > last && !at && isNeeded);
  // For a task that ended early, the steps that it never reached are hidden.
  const shown = hasEnded(task.status)
    ? steps.filter(({ at, step }) => at || step === 'instance_stopped')
    : steps;
  return (
    <div className="task-timeline-frame">
      <ol className="task-timeline" aria-label="Timeline of this task">
        {shown.map((step) => {
          const index = steps.indexOf(step);
          const state = stateOf(step, index === next);
          const before = steps.slice(0, index).findLast(({ at }) => at !== undefined)?.at;
          return (
            <li
              key={step.step}
              className={state}
              aria-current={state === 'now' ? 'step' : undefined}
              title={step.detail}
            >
              <span className="task-timeline-dot">{state === 'done' && <Icon name="check" />}</span>
              <span className="task-timeline-name">{names[step.step]}</span>
              <span className="task-timeline-time">
                {step.at && <Moment at={step.at} />}
                {step.at && before && step.at >= before && (
                  <span className="task-timeline-took">
                    {' '}
                    +<Duration from={before} to={step.at} />
                  </span>
                )}
                {state === 'now' && before && <Duration from={before} />}
                {state === 'skipped' && 'not needed'}
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
};
