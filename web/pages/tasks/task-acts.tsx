/** Actions on a task: stop, confirm or reject, run again. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { confirmTask, rejectTask, stopTask } from '../../../protocol/endpoints/tasks.ts';
import { hasEnded, type Task, whyNotConfirm } from '../../../protocol/index.ts';
import { taskQuery } from '../../data/queries.ts';
import { call } from '../../data/request.ts';
import { useMay, useMe } from '../../data/session.ts';
import { useAct } from '../../ui/act.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { RunTask } from './run-task.tsx';

const verbs = { stop: stopTask, confirm: confirmTask, reject: rejectTask };

export const TaskActs = ({ task }: { readonly task: Task }): ReactNode => {
  const { projectId, id } = task;
  const client = useQueryClient();
  const mayRun = useMay(projectId, 'task_runner');
  const me = useMe();
  const [asked, ask] = useState<'stop' | 'reject' | 'again'>();
  const close = () => ask(undefined);
  const { queryKey } = taskQuery(projectId, id);
  const post = async (verb: keyof typeof verbs) => {
    const changed = await call(verbs[verb], { params: { projectId, taskId: id } });
    client.setQueryData(queryKey, changed);
  };
  const confirm = useAct(
    () => post('confirm'),
    () => client.invalidateQueries({ queryKey }),
  );
  if (!mayRun) return null;
  const isOver = hasEnded(task.status);
  const whyNot = whyNotConfirm(task, me.user?.id ?? '');
  return (
    <>
      {task.status === 'waiting_confirmation' && (
        <>
          <Button look="primary" icon="check" isDisabled={whyNot !== undefined} onPress={() => confirm()}>
            Confirm
          </Button>
          <Button onPress={() => ask('reject')}>Reject</Button>
          {whyNot !== undefined && <p className="hint">{whyNot}</p>}
        </>
      )}
      {!isOver && task.status !== 'stopping' && (
        <Button icon="stop" onPress={() => ask('stop')}>
          Stop
        </Button>
      )}
      {isOver && (
        <Button icon="repeat" onPress={() => ask('again')}>
          Run again
        </Button>
      )}
      {asked === 'stop' && (
        <Confirm title="Stop this task?" action="Stop task" onConfirm={() => post('stop')} onClose={close}>
          {task.status === 'waiting'
            ? 'It has not started, and will not start.'
            : 'What it has done so far stays done. It is asked to end, and killed if it does not.'}
        </Confirm>
      )}
      {asked === 'reject' && (
        <Confirm title="Reject this plan?" action="Reject" onConfirm={() => post('reject')} onClose={close}>
          Nothing is applied, and the task ends.
        </Confirm>
      )}
      {asked === 'again' && <RunTask projectId={projectId} like={task} onClose={close} />}
    </>
  );
};
