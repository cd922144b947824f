/** What can be set of a runner. */
import type { ReactNode } from 'react';
import type { Runner, RunnerInput } from '../../protocol/index.ts';
import { Checkbox, TagsField, TextField } from '../ui/field.tsx';
import { type Form, numberOf } from '../ui/form.tsx';
import { NameField } from './common-fields.tsx';

export interface RunnerDraft {
  readonly name: string;
  readonly tags: readonly string[];
  readonly maxParallelTasks: string;
  readonly idleSeconds: string;
  readonly active: boolean;
  readonly instanceId: string;
  readonly region: string;
  readonly webhookUrl: string;
}

const defaultIdleSeconds = 60;

export const emptyRunner: RunnerDraft = {
  name: '',
  tags: [],
  maxParallelTasks: '1',
  idleSeconds: String(defaultIdleSeconds),
  active: true,
  instanceId: '',
  region: '',
  webhookUrl: '',
};

export const draftOf = (runner: Runner): RunnerDraft => ({
  name: runner.name,
  tags: runner.tags,
  maxParallelTasks: String(runner.maxParallelTasks),
  idleSeconds: String(runner.idleTimeoutMs / 1000),
  active: runner.active,
  instanceId: runner.instanceId ?? '',
  region: runner.region ?? '',
  webhookUrl: runner.webhookUrl ?? '',
});

export const inputOf = (draft: RunnerDraft): RunnerInput => ({
  name: draft.name,
  tags: [...draft.tags],
  maxParallelTasks: numberOf(draft.maxParallelTasks),
  idleTimeoutMs: Math.round(numberOf(draft.idleSeconds) * 1000),
  active: draft.active,
  ...(draft.instanceId !== '' && { instanceId: draft.instanceId.trim() }),
  ...(draft.region !== '' && { region: draft.region.trim() }),
  ...(draft.webhookUrl !== '' && { webhookUrl: draft.webhookUrl.trim() }),
});

interface RunnerFieldsProps {
  readonly form: Form<RunnerDraft>;
  readonly isGlobal: boolean;
  readonly knownTags?: readonly string[];
}

export const RunnerFields = ({ form, isGlobal, knownTags = [] }: RunnerFieldsProps): ReactNode => {
  const { value, set, field } = form;
  return (
    <>
      <NameField placeholder="sydney-1" {...field('name')} />
      {!isGlobal && (
        <TagsField
          label="Tags"
          hint="It takes only tasks with one of them. Without tags it takes the project’s untagged tasks."
          known={knownTags}
          {...field('tags')}
        />
      )}
      <div className="two">
        <TextField
          label="Tasks at a time"
          type="number"
          min={0}
          max={1000}
          hint="0 = no limit."
          {...field('maxParallelTasks')}
          isRequired
        />
        <TextField
          label="Stays on without work"
          type="number"
          min={0}
          max={86_400}
          unit="s"
          hint="EC2 bills a minute at every start, so less than 60 seldom saves anything."
          {...field('idleSeconds', 'idleTimeoutMs')}
          isRequired
        />
      </div>
      <div className="two">
        <TextField
          label="EC2 instance"
          placeholder="i-0123456789abcdef0"
          hint="It is started and stopped for this runner. Empty: a machine that is powered by somebody else."
          {...field('instanceId')}
        />
        <TextField
          label="Region"
          placeholder="us-east-1"
          hint="When it is not the control plane’s own."
          {...field('region')}
        />
      </div>
      <TextField
        label="Webhook URL"
        type="url"
        placeholder="https://"
        hint="Where start and finish events go, for instances that something else starts and stops."
        {...field('webhookUrl')}
      />
      <Checkbox
        label="Active"
        hint="An inactive runner takes no task."
        isChecked={value.active}
        onChange={(active) => set({ active })}
      />
    </>
  );
};
