/** The way of a task, step by step, with the time that each took. */
import type { ReactNode } from 'react';
import type { Instant, Task } from '../../protocol/index.ts';
import { hasEnded } from '../client/queries.ts';
import { taskStatusText } from '../ui/badge.tsx';
import { Icon } from '../ui/icons.tsx';
import { Duration, Moment } from '../ui/time.tsx';

interface Step {
  readonly name: string;
  readonly at: Instant | undefined;
}

const stepsOf = (task: Task): Step[] => [
  { name: 'Queued', at: task.createdAt },
  { name: 'Claimed', at: task.claimedAt },
  { name: 'Running', at: task.startedAt },
  { name: hasEnded(task) ? taskStatusText(task.status) : 'Finished', at: task.finishedAt },
];

export const Trip = ({ task }: { readonly task: Task }): ReactNode => {
  const steps = stepsOf(task);
  const last = steps.findLastIndex(({ at }) => at !== undefined);
  const isOver = hasEnded(task);
  return (
    <ol className="trip" aria-label="The trip of this task">
      {steps.map(({ name, at }, index) => {
        const before = steps.slice(0, index).findLast((step) => step.at !== undefined)?.at;
        const state = at !== undefined ? 'done' : !isOver && index === last + 1 ? 'now' : 'ahead';
        if (isOver && at === undefined) return null;
        return (
          <li key={name} className={state} aria-current={state === 'now' ? 'step' : undefined}>
            <span className="trip-dot">{state === 'done' && <Icon name="check" />}</span>
            <span className="trip-name">{name}</span>
            <span className="trip-time">
              {at && <Moment at={at} />}
              {at && before && (
                <>
                  {' '}
                  (+
                  <Duration from={before} to={at} />)
                </>
              )}
              {state === 'now' && before && <Duration from={before} />}
            </span>
          </li>
        );
      })}
    </ol>
  );
};
