/** First runner of a new user: created here, and started by one command to paste. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { projectRunners } from '../../../protocol/endpoints/runners.ts';
import type { CreatedRunner, Project } from '../../../protocol/index.ts';
import { call } from '../../data/request.ts';
import { runnerQuery } from '../../data/runners.ts';
import { readFirstRun } from '../../layout/first-run.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { download } from '../../shared/download.ts';
import { RunnerBadge } from '../../shared/runner-badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/copy.tsx';
import { TagsField, TextField } from '../../ui/field.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Notice } from '../../ui/notice.tsx';
import { configFile } from './runner-commands.ts';

export const RunnerStep = ({
  project,
  onDone,
}: {
  readonly project: Project;
  readonly onDone: (made: CreatedRunner) => void;
}): ReactNode => {
  const { instanceId: offered = '' } = readFirstRun();
  const form = useForm(
    { name: 'first', tags: ['demo'] as readonly string[], instanceId: offered },
    async ({ name, tags, instanceId }) => {
      const body = {
        name,
        tags: [...tags],
        instanceId: instanceId.trim() || undefined,
      };
      const made = await call(projectRunners.create, { params: { projectId: project.id }, body });
      // A runner without a fleet comes alone, with its secrets.
      if ('token' in made) onDone(made);
    },
  );
  const { field } = form;
  return (
    <FormFrame form={form} action="Create runner">
      <p className="quiet-text">
        A machine that runs tasks. With an EC2 instance behind it, it sleeps while there are none.
      </p>
      <div className="two">
        <NameField {...field('name')} />
        <TagsField label="Tags" hint="Tasks with one of them run on it." {...field('tags')} />
      </div>
      <TextField
        label="EC2 instance"
        placeholder="i-0123456789abcdef0"
        hint={
          offered === ''
            ? 'Empty: a machine that is always on, such as this one.'
            : 'One of the stopped instances that this stack was started with.'
        }
        {...field('instanceId')}
      />
    </FormFrame>
  );
};

/**
 * Command to paste: writes the config for an agent that waits for it at `path`, or starts an agent. The agent
 * of a local stack starts from the folder of the repository.
 */
const startCommand = (made: CreatedRunner, path: string | undefined): string => {
  const config = JSON.stringify(made);
  if (path !== undefined) return `cat > '${path}' <<'EOF'\n${config}\nEOF`;
  const program = /^https?:\/\/localhost/.test(made.apiUrl)
    ? 'node dist/runner-agent/reveille-runner.mjs'
    : 'reveille-runner';
  return `(umask 077; cat > runner.json <<'EOF'\n${config}\nEOF\n)\n${program} start --config runner.json`;
};

interface StartRunnerStepProps {
  readonly project: Project;
  readonly made: CreatedRunner;
  readonly onDone: () => void;
}

export const StartRunnerStep = ({ project, made, onDone }: StartRunnerStepProps): ReactNode => {
  const first = readFirstRun();
  const isOffered = made.runner.instanceId !== undefined && made.runner.instanceId === first.instanceId;
  const { data: runner = made.runner } = useQuery(runnerQuery(project.id, made.runner.id));
  const isOn = runner.status === 'online';
  return (
    <div className="step-form">
      <p>
        {isOffered
          ? 'Give the instance its config: paste this into a terminal, in the folder of the repository.'
          : 'Start the agent: paste this into a terminal on the machine.'}
      </p>
      <Code label="In a terminal" text={startCommand(made, isOffered ? first.configFile : undefined)} />
      <Notice kind="warn">It contains the runner’s token and private key, which are shown only once.</Notice>
      <p className="row">
        <RunnerBadge runner={runner} />
        {isOffered
          ? 'It stays asleep until the first task wakes it.'
          : isOn
            ? 'The agent is online.'
            : 'Waiting for the agent to report.'}
      </p>
      <div className="row">
        <Button look="primary" onPress={onDone}>
          {isOffered || isOn ? 'Continue' : 'Continue without waiting'}
        </Button>
        <Button icon="download" onPress={() => download('runner.json', configFile(made))}>
          Download config
        </Button>
      </div>
    </div>
  );
};
