/** Actions on a runner, in its row and on its page. */
import { type ReactNode, useState } from 'react';
import { drainOf, isIdle, isPoweredByStack, type Runner } from '../../../protocol/index.ts';
import { useMay } from '../../data/session.ts';
import { useAct } from '../../ui/act.ts';
import { Button } from '../../ui/button.tsx';
import type { IconName } from '../../ui/icons.tsx';
import { ActionMenu } from '../../ui/menu.tsx';
import { say } from '../../ui/toast.tsx';
import { useRunnerCalls, type Verb } from './runner-calls.ts';
import { type Asked, RunnerDialog } from './runner-dialogs.tsx';

/** Action that needs no confirmation. */
interface Command {
  readonly verb: Verb;
  readonly label: string;
  /** Sentence that is shown afterwards. */
  readonly done: string;
}

const canWake = ({ status, active, quarantinedAt, wokenAt }: Runner): boolean =>
  (status === 'stopped' || status === 'offline' || status === 'stopping') &&
  active &&
  quarantinedAt === undefined &&
  wokenAt === undefined;

/** Commands that start or stop its machine. */
const powerCommands = (runner: Runner): (Command & { readonly icon: IconName })[] => {
  const { name } = runner;
  if (!isPoweredByStack(runner)) return [];
  if (canWake(runner)) {
    const done = `${name} is woken. Without work it goes back to sleep after its idle timeout.`;
    return [{ verb: 'wake', label: 'Wake', icon: 'sun', done }];
  }
  if (runner.status === 'online' && isIdle(runner)) {
    const done = `${name} goes to sleep. The next task wakes it.`;
    return [{ verb: 'sleep', label: 'Put to sleep', icon: 'moon', done }];
  }
  return [];
};

const drainCommands = (runner: Runner): Command[] => {
  const { name, status } = runner;
  const drain = drainOf(runner);
  if (drain === 'asked') return [{ verb: 'resume', label: 'Resume', done: `${name} takes tasks again.` }];
  // A runner whose agent shuts down cannot be resumed: it takes tasks again once the agent has restarted.
  if (drain === 'announced' || status !== 'online') return [];
  const done = `${name} takes no new task and finishes what it holds.`;
  return [{ verb: 'drain', label: 'Drain', done }];
};

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
  const isManager = useMay(projectId, projectId ? 'manager' : 'admin');
  const [asked, ask] = useState<Asked>();
  const calls = useRunnerCalls(runner, projectId);
  const command = useAct(async ({ verb, done }: Command) => {
    await calls.command(verb);
    say(done);
  }, calls.refresh);
  const activate = useAct(() => calls.setActive(true), calls.refresh);
  if (!isManager) return null;
  const power = powerCommands(runner);
  const isOff = !runner.active || runner.quarantinedAt !== undefined;
  return (
    <>
      {hasButtons &&
        power.map((one) => (
          <Button key={one.verb} icon={one.icon} onPress={() => command(one)}>
            {one.label}
          </Button>
        ))}
      <ActionMenu
        label={`Actions for ${runner.name}`}
        acts={[
          ...[...(hasButtons ? [] : power), ...drainCommands(runner)].map((one) => ({
            label: one.label,
            onAct: () => command(one),
          })),
          { label: 'Edit', onAct: () => ask('edit') },
          isOff
            ? { label: runner.quarantinedAt ? 'Lift the quarantine' : 'Activate', onAct: () => activate() }
            : { label: 'Deactivate', onAct: () => ask('deactivate') },
          { label: 'Rotate token', onAct: () => ask('rotate') },
          { label: 'Delete', onAct: () => ask('delete'), isDangerous: true },
        ]}
      />
      {asked && <RunnerDialog runner={runner} calls={calls} asked={asked} ask={ask} onDeleted={onDeleted} />}
    </>
  );
};
