/** Actions on a runner, in its row and on its page. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { runnersIn } from '../../../protocol/endpoints/runners.ts';
import { drainOf, type Runner } from '../../../protocol/index.ts';
import { runnersQuery } from '../../data/queries.ts';
import { call, messageOf } from '../../data/request.ts';
import { useMay } from '../../data/session.ts';
import { SecretOnce } from '../../shared/secret-once.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { ActionMenu } from '../../ui/menu.tsx';
import { Notice } from '../../ui/notice.tsx';
import { say } from '../../ui/toast.tsx';
import { draftOf, inputOf, RunnerFields } from './runner-form.tsx';

/** Returns the endpoints of the runner's place, and the parameters of this runner. */
const endpointsOf = (projectId: string | undefined, { id }: Runner) => {
  const { endpoints, params } = runnersIn(projectId);
  return { endpoints, params: { ...params, runnerId: id } };
};

type Asked = 'edit' | 'deactivate' | 'rotate' | 'delete' | 'token';

interface RunnerActsProps {
  readonly runner: Runner;
  readonly projectId: string | undefined;
  /** Called when the runner was deleted. */
  readonly onDeleted?: () => void;
  /** Shows waking and stopping as buttons of their own. */
  readonly hasButtons?: boolean;
}

export const RunnerActs = ({
  runner,
  projectId,
  onDeleted,
  hasButtons = false,
}: RunnerActsProps): ReactNode => {
  const client = useQueryClient();
  const isManager = useMay(projectId, projectId ? 'manager' : 'admin');
  const [asked, ask] = useState<Asked>();
  const [token, setToken] = useState('');
  const { endpoints, params } = endpointsOf(projectId, runner);
  const refresh = () => client.invalidateQueries({ queryKey: runnersQuery(projectId).queryKey });
  const close = () => ask(undefined);

  const post = (verb: 'wake' | 'sleep' | 'drain' | 'resume', done: string) => async () => {
    try {
      await call(endpoints[verb], { params });
      say(done);
    } catch (error) {
      say(messageOf(error), 'bad');
    }
    await refresh();
  };
  const setActive = async (active: boolean) => {
    await call(endpoints.replace, { params, body: { ...inputOf(draftOf(runner)), active } });
    await refresh();
    say(active ? `${runner.name} takes tasks again.` : `${runner.name} takes no more tasks.`);
  };
  const activate = () => setActive(true).catch((error: unknown) => say(messageOf(error), 'bad'));
  const drain = drainOf(runner);
  const isPowered = (runner.instanceId ?? runner.fleet) !== undefined && !runner.webhookUrl;
  const canSleep =
    isPowered && runner.status === 'online' && runner.slots.length + runner.demand.length === 0;
  const canWake =
    isPowered &&
    runner.active &&
    runner.quarantinedAt === undefined &&
    (runner.status === 'stopped' || runner.status === 'offline' || runner.status === 'stopping') &&
    runner.wokenAt === undefined;
  if (!isManager) return null;
  const power = [
    canWake && {
      label: 'Wake',
      icon: 'sun' as const,
      onAct: post(
        'wake',
        `${runner.name} is woken. Without work it goes back to sleep after its idle timeout.`,
      ),
    },
    canSleep && {
      label: 'Put to sleep',
      icon: 'moon' as const,
      onAct: post('sleep', `${runner.name} goes to sleep. The next task wakes it.`),
    },
  ];
  return (
    <>
      {hasButtons &&
        power.map(
          (act) =>
            act && (
              <Button key={act.label} icon={act.icon} onPress={act.onAct}>
                {act.label}
              </Button>
            ),
        )}
      <ActionMenu
        label={`Actions for ${runner.name}`}
        acts={[
          ...(hasButtons ? [] : power),
          runner.status === 'online' &&
            drain === undefined && {
              label: 'Drain',
              onAct: post('drain', `${runner.name} takes no new task and finishes what it holds.`),
            },
          // A runner whose agent shuts down cannot be resumed: it takes tasks again once the agent has
          // restarted.
          drain === 'asked' && {
            label: 'Resume',
            onAct: post('resume', `${runner.name} takes tasks again.`),
          },
          { label: 'Edit', onAct: () => ask('edit') },
          runner.active && runner.quarantinedAt === undefined
            ? { label: 'Deactivate', onAct: () => ask('deactivate') }
            : { label: runner.quarantinedAt ? 'Lift the quarantine' : 'Activate', onAct: activate },
          { label: 'Rotate token', onAct: () => ask('rotate') },
          { label: 'Delete', onAct: () => ask('delete'), isDangerous: true },
        ]}
      />
      {asked === 'edit' && <EditRunner runner={runner} projectId={projectId} onClose={close} />}
      {asked === 'deactivate' && (
        <Confirm
          title={`Deactivate ${runner.name}?`}
          action="Deactivate"
          isDangerous={false}
          onConfirm={() => setActive(false)}
          onClose={close}
        >
          It takes no task until it is activated again. Its running tasks finish.
        </Confirm>
      )}
      {asked === 'rotate' && (
        <Confirm
          title={`Rotate the token of ${runner.name}?`}
          action="Rotate token"
          onConfirm={async () => {
            const made = await call(endpoints.rotateToken, { params, body: { graceMs: 0 } });
            setToken(made.token);
            ask('token');
          }}
          onClose={() => ask((now) => (now === 'rotate' ? undefined : now))}
        >
          The current token stops working within a minute. The private key stays.
        </Confirm>
      )}
      {asked === 'token' && (
        <SecretOnce title={`The new token of ${runner.name}`} label="Token" secret={token} onClose={close}>
          It is shown only once. Put it into the agent’s config, and restart the agent.
        </SecretOnce>
      )}
      {asked === 'delete' && (
        <Confirm
          title={`Delete ${runner.name}?`}
          action="Delete runner"
          onConfirm={async () => {
            await call(endpoints.remove, { params });
            onDeleted?.();
            await refresh();
            say(`${runner.name} is deleted.`);
          }}
          onClose={close}
        >
          Its token stops working. Its instance stays unchanged. A runner can be deleted only while it is
          asleep and no task waits for it.
        </Confirm>
      )}
    </>
  );
};

const EditRunner = ({
  runner,
  projectId,
  onClose,
}: RunnerActsProps & { readonly onClose: () => void }): ReactNode => {
  const client = useQueryClient();
  const form = useForm(draftOf(runner), async (draft) => {
    const { endpoints, params } = endpointsOf(projectId, runner);
    await call(endpoints.replace, { params, body: inputOf(draft) });
    await client.invalidateQueries({ queryKey: runnersQuery(projectId).queryKey });
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
        <RunnerFields form={form} isGlobal={projectId === undefined} />
      </FormFrame>
    </Dialog>
  );
};
