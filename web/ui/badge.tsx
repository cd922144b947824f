/** States of tasks as words with a colour. The word alone is enough. */
import type { ReactNode } from 'react';
import type { TaskStatus } from '../../protocol/index.ts';

export type Tone = 'ok' | 'bad' | 'warn' | 'info' | 'idle' | 'accent';

export const Badge = ({
  tone,
  children,
  isLive = false,
}: {
  readonly tone: Tone;
  readonly children: ReactNode;
  readonly isLive?: boolean;
}): ReactNode => <span className={`badge ${tone}${isLive ? ' live' : ''}`}>{children}</span>;

const tasks: Readonly<Record<TaskStatus, readonly [text: string, tone: Tone, isLive: boolean]>> = {
  waiting: ['Waiting', 'warn', false],
  starting: ['Starting', 'accent', true],
  running: ['Running', 'info', true],
  waiting_confirmation: ['Waiting for confirmation', 'accent', false],
  confirmed: ['Confirmed', 'info', true],
  rejected: ['Rejected', 'idle', false],
  stopping: ['Stopping', 'warn', true],
  success: ['Success', 'ok', false],
  error: ['Error', 'bad', false],
  stopped: ['Stopped', 'idle', false],
};

export const taskStatusText = (status: TaskStatus): string => tasks[status][0];

/** Announces a status to screen readers, such as "Task succeeded." */
export const taskStatusSentence = (status: TaskStatus): string => {
  if (status === 'success') return 'Task succeeded.';
  return status === 'error' ? 'Task failed.' : `Task ${taskStatusText(status).toLowerCase()}.`;
};

export const TaskBadge = ({ status }: { readonly status: TaskStatus }): ReactNode => {
  const [text, tone, isLive] = tasks[status];
  return (
    <Badge tone={tone} isLive={isLive}>
      {text}
    </Badge>
  );
};

export const Tags = ({ tags }: { readonly tags: readonly string[] }): ReactNode =>
  tags.length === 0 ? (
    <span className="quiet-text">untagged</span>
  ) : (
    <span className="tags">
      {tags.map((tag) => (
        <span key={tag} className="tag">
          {tag}
        </span>
      ))}
    </span>
  );
