/** Form of a runner. */
import type { ReactNode } from 'react';
import type { Fleet, Runner, RunnerInput } from '../../../protocol/index.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { Checkbox, Select, TagsField, TextField } from '../../ui/field.tsx';
import { type Form, numberOf } from '../../ui/form.tsx';

export interface RunnerDraft {
  readonly name: string;
  readonly tags: readonly string[];
  readonly maxParallelTasks: string;
  /** Empty for the default. */
  readonly idleSeconds: string;
  readonly active: boolean;
  readonly instanceId: string;
  readonly region: string;
  readonly webhookUrl: string;
  /** Empty for none. */
  readonly fleet: string;
  /** Number of runners to create in a fleet. */
  readonly count: string;
}

export const emptyRunner: RunnerDraft = {
  name: '',
  tags: [],
  maxParallelTasks: '1',
  idleSeconds: '',
  active: true,
  instanceId: '',
  region: '',
  webhookUrl: '',
  fleet: '',
  count: '1',
};

const secondsText = (idleTimeoutMs: number | undefined): string =>
  idleTimeoutMs === undefined ? '' : String(idleTimeoutMs / 1000);

export const draftOf = (runner: Runner): RunnerDraft => ({
  name: runner.name,
  tags: runner.tags,
  maxParallelTasks: String(runner.maxParallelTasks),
  idleSeconds: secondsText(runner.idleTimeoutMs),
  active: runner.active,
  instanceId: runner.instanceId ?? '',
  region: runner.region ?? '',
  webhookUrl: runner.webhookUrl ?? '',
  fleet: runner.fleet ?? '',
  count: '1',
});

/** Fields of a runner's machine. A runner in a fleet gets them from its fleet. */
const machineOf = ({ instanceId, region, webhookUrl }: RunnerDraft) => ({
  instanceId: instanceId === '' ? undefined : instanceId.trim(),
  region: region === '' ? undefined : region.trim(),
  webhookUrl: webhookUrl === '' ? undefined : webhookUrl.trim(),
});

export const inputOf = (draft: RunnerDraft): RunnerInput => ({
  name: draft.name,
  tags: [...draft.tags],
  maxParallelTasks: numberOf(draft.maxParallelTasks),
  idleTimeoutMs: draft.idleSeconds.trim() === '' ? undefined : Math.round(numberOf(draft.idleSeconds) * 1000),
  active: draft.active,
  ...(draft.fleet === '' ? machineOf(draft) : { fleet: draft.fleet }),
});

interface RunnerFieldsProps {
  readonly form: Form<RunnerDraft>;
  readonly isGlobal: boolean;
  readonly knownTags?: readonly string[];
  /** Fleets that a new runner may join. */
  readonly fleets?: readonly Fleet[];
}

const fleetText = ({ name, region, instanceTypes, spot, used, maxInstances }: Fleet): string =>
  `${name}: ${[region, instanceTypes[0], spot && 'spot'].filter(Boolean).join(', ')} (${used} of ${maxInstances})`;

export const RunnerFields = ({
  form,
  isGlobal,
  knownTags = [],
  fleets = [],
}: RunnerFieldsProps): ReactNode => {
  const { value, set, field } = form;
  const choose = (name: string) => {
    const fleet = fleets.find((one) => one.name === name);
    set({
      fleet: name,
      ...(fleet && {
        tags: isGlobal ? [] : fleet.tags,
        idleSeconds: secondsText(fleet.idleTimeoutMs),
      }),
    });
  };
  return (
    <>
      {fleets.length > 0 && (
        <Select
          label="Machine"
          hint="A fleet launches an instance when there is work. Nothing has to be installed."
          options={[
            { value: '', label: 'An existing machine' },
            ...fleets.map((one) => ({ value: one.name, label: fleetText(one) })),
          ]}
          {...field('fleet')}
          onChange={choose}
        />
      )}
      <div className="two">
        <NameField placeholder="sydney-1" {...field('name')} />
        {fleets.length > 0 && value.fleet !== '' && (
          <TextField
            label="Number of runners"
            type="number"
            min={1}
            max={100}
            hint="Each can have one instance."
            {...field('count')}
            isRequired
          />
        )}
      </div>
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
          label="Idle timeout"
          type="number"
          min={0}
          max={86_400}
          unit="s"
          hint="Empty: the minute that EC2 bills at each start. 0: sleeps at once."
          {...field('idleSeconds', 'idleTimeoutMs')}
        />
      </div>
      {value.fleet === '' && <MachineFields form={form} />}
      <Checkbox
        label="Active"
        hint="An inactive runner takes no task."
        isChecked={value.active}
        onChange={(active) => set({ active })}
      />
    </>
  );
};

/** Machine of a runner that is in no fleet. */
const MachineFields = ({ form: { field } }: Pick<RunnerFieldsProps, 'form'>): ReactNode => (
  <>
    <div className="two">
      <TextField
        label="EC2 instance"
        placeholder="i-0123456789abcdef0"
        hint="It is started and stopped for this runner, and has the tag reveille:stack with the stack’s name. Empty: a machine that is powered externally."
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
  </>
);
