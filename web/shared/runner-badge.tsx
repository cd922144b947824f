/** States of runners as words with a colour. */
import type { ReactNode } from 'react';
import { drainOf, type Runner, type RunnerStatus } from '../../protocol/index.ts';
import { Badge, type Tone } from '../ui/badge.tsx';

/** Words for the status of a runner; what keeps it from tasks has other words. */
export const runnerStatusText: Readonly<Record<RunnerStatus, string>> = {
  stopped: 'Asleep',
  offline: 'Offline',
  starting: 'Waking',
  online: 'Online',
  draining: 'Draining',
  stopping: 'Stopping',
};

/** State of a runner in the words of the console. */
export const runnerState = (runner: Runner): readonly [text: string, tone: Tone, isLive: boolean] => {
  if (runner.quarantinedAt) return ['Quarantined', 'bad', false];
  if (!runner.active) return ['Inactive', 'idle', false];
  switch (runner.status) {
    case 'stopped':
    case 'offline':
      return [runnerStatusText[runner.status], 'idle', false];
    case 'starting':
      return [runnerStatusText.starting, 'accent', true];
    case 'draining':
    case 'stopping':
      return [runnerStatusText[runner.status], 'warn', true];
    case 'online':
      if (drainOf(runner)) return [runnerStatusText.draining, 'warn', true];
      if (runner.slots.length === 0) return [runnerStatusText.online, 'ok', false];
      return runner.maxParallelTasks === 0
        ? [`Busy, ${runner.slots.length}`, 'info', true]
        : [`Busy, ${runner.slots.length} of ${runner.maxParallelTasks}`, 'info', true];
  }
};

export const RunnerBadge = ({ runner }: { readonly runner: Runner }): ReactNode => {
  const [text, tone, isLive] = runnerState(runner);
  return (
    <Badge tone={tone} isLive={isLive}>
      {text}
    </Badge>
  );
};
