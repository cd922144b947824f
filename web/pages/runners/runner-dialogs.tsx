/** Dialogs of the actions on a runner. */
import type { Dispatch, ReactNode, SetStateAction } from 'react';
import type { Runner } from '../../../protocol/index.ts';
import { SecretOnce } from '../../shared/secret-once.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Notice } from '../../ui/notice.tsx';
import { say } from '../../ui/toast.tsx';
import type { useRunnerCalls } from './runner-calls.ts';
import { draftOf, RunnerFields } from './runner-form.tsx';

/** Dialog that is open. A new token is shown once. */
export type Asked = 'edit' | 'deactivate' | 'rotate' | 'delete' | { readonly token: string };

interface RunnerDialogProps {
  readonly runner: Runner;
  readonly calls: ReturnType<typeof useRunnerCalls>;
  readonly asked: Asked;
  readonly ask: Dispatch<SetStateAction<Asked | undefined>>;
  readonly onDeleted: (() => void) | undefined;
}

export const RunnerDialog = ({ runner, calls, asked, ask, onDeleted }: RunnerDialogProps): ReactNode => {
  const { name } = runner;
  const close = () => ask(undefined);
  switch (asked) {
    case 'edit':
      return <EditRunner runner={runner} onSave={calls.replace} onClose={close} />;
    case 'deactivate':
      return (
        <Confirm
          title={`Deactivate ${name}?`}
          action="Deactivate"
          isDangerous={false}
          onConfirm={() => calls.setActive(false)}
          onClose={close}
        >
          It takes no task until it is activated again. Its running tasks finish.
        </Confirm>
      );
    case 'rotate':
      return (
        <Confirm
          title={`Rotate the token of ${name}?`}
          action="Rotate token"
          onConfirm={async () => ask({ token: await calls.rotateToken() })}
          onClose={() => ask((now) => (now === 'rotate' ? undefined : now))}
        >
          The current token stops working within a minute. The private key stays.
        </Confirm>
      );
    case 'delete':
      return (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete runner"
          onConfirm={async () => {
            await calls.remove();
            onDeleted?.();
            await calls.refresh();
            say(`${name} is deleted.`);
          }}
          onClose={close}
        >
          Its token stops working. Its instance stays unchanged. A runner can be deleted only while it is
          asleep and no task waits for it.
        </Confirm>
      );
    default:
      return (
        <SecretOnce title={`The new token of ${name}`} label="Token" secret={asked.token} onClose={close}>
          It is shown only once. Put it into the agent’s config, and restart the agent.
        </SecretOnce>
      );
  }
};

interface EditRunnerProps {
  readonly runner: Runner;
  readonly onSave: RunnerDialogProps['calls']['replace'];
  readonly onClose: () => void;
}

const EditRunner = ({ runner, onSave, onClose }: EditRunnerProps): ReactNode => {
  const form = useForm(draftOf(runner), async (draft) => {
    await onSave(draft);
    onClose();
  });
  return (
    <Dialog title={`Edit ${runner.name}`} onClose={onClose} shape="sheet">
      <FormFrame form={form} action="Save">
        {runner.quarantinedAt && (
          <Notice kind="warn">
            It is quarantined: {runner.fault?.detail} Saving it as active lifts this.
          </Notice>
        )}
        <RunnerFields form={form} isGlobal={runner.projectId === undefined} />
      </FormFrame>
    </Dialog>
  );
};
