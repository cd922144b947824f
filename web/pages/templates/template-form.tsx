/** Form of a template. */
import type { ReactNode } from 'react';
import {
  type App,
  appNames,
  isTerraform,
  type LaunchTemplate,
  type Template,
} from '../../../protocol/index.ts';
import { environmentChoices, inventoryChoices, keyChoices, repositoryChoices } from '../../data/choices.ts';
import { DescriptionField, NameField } from '../../shared/common-fields.tsx';
import { ReferenceField } from '../../shared/reference-field.tsx';
import type { FieldsProps } from '../../shared/resource-page.tsx';
import { Checkbox, Select, TextArea, TextField } from '../../ui/field.tsx';
import { launchNames } from './launch-draft.ts';
import { LaunchFields } from './launch-fields.tsx';
import { RoutingSentence, TagField } from './routing-sentence.tsx';
import { SurveyEditor } from './survey-editor.tsx';
import { offeredOptions, ownOptions, type TemplateDraft } from './template-draft.ts';

type Props = Pick<FieldsProps<TemplateDraft>, 'form' | 'projectId'>;
type FormProps = Pick<Props, 'form'>;

export const TemplateFields = ({ form, projectId }: Props): ReactNode => {
  const { value, set, field, errorAt } = form;
  return (
    <>
      <NameField {...field('name')} />
      <DescriptionField {...field('description')} />
      <SourceFields form={form} />
      <PlaceFields form={form} projectId={projectId} />
      {value.app === 'ansible' && <AnsibleFields form={form} projectId={projectId} />}
      {isTerraform(value.app) && <TerraformFields form={form} />}
      <TextArea
        label="Arguments"
        hint="One a line, passed unchanged: no shell reads them."
        rows={2}
        isCode
        {...field('arguments')}
      />
      <LaunchFields
        projectId={projectId}
        template={blank(value.app)}
        options={offeredOptions(value).filter((option) => ownOptions.includes(option))}
        draft={value.own}
        onChange={(own) => set({ own })}
        errorAt={(path) => errorAt(path === 'repository.branch' ? 'branch' : path)}
      />
      <LaunchOptions form={form} />
      <SurveyEditor value={value.survey} onChange={(survey) => set({ survey })} errorAt={errorAt} />
      <LimitFields form={form} />
    </>
  );
};

const SourceFields = ({ form: { value, set, field, errorAt } }: FormProps): ReactNode => (
  <>
    <div className="two">
      <Select
        label="App"
        value={value.app}
        onChange={(app) => set({ app: app as App, ...(isTerraform(app as App) && { source: 'path' }) })}
        options={Object.entries(appNames).map(([app, label]) => ({ value: app, label }))}
        error={errorAt('app')}
        isRequired
      />
      <Select
        label="What to run"
        value={value.source}
        onChange={(source) => set({ source: source as TemplateDraft['source'] })}
        options={[
          { value: 'script', label: 'Written here' },
          { value: 'path', label: 'From a repository' },
        ]}
        isRequired
      />
    </div>
    {value.source === 'script' ? (
      <TextArea
        label={value.app === 'ansible' ? 'Playbook' : 'Script'}
        rows={10}
        isCode
        {...field('script')}
        isRequired
      />
    ) : (
      <TextField
        label={isTerraform(value.app) ? 'Folder' : 'Path'}
        hint="In the repository."
        placeholder={value.app === 'ansible' ? 'site.yml' : ''}
        {...field('path')}
        isRequired
      />
    )}
  </>
);

/** Fields of the resources that its tasks need, and of the runners that take them. */
const PlaceFields = ({ form: { value, field }, projectId }: Props): ReactNode => (
  <>
    <div className="two">
      <ReferenceField label="Repository" choices={repositoryChoices(projectId)} {...field('repositoryId')} />
      <ReferenceField
        label="Environment"
        choices={environmentChoices(projectId)}
        {...field('environmentId')}
      />
      {value.app === 'ansible' && (
        <ReferenceField label="Inventory" choices={inventoryChoices(projectId)} {...field('inventoryId')} />
      )}
    </div>
    <TagField
      projectId={projectId}
      {...field('tag')}
      hint="Only runners with this tag take its tasks. Empty: the inventory’s tag, otherwise the untagged runners."
    />
    <RoutingSentence projectId={projectId} tag={value.tag} inventoryId={value.inventoryId} />
  </>
);

const TerraformFields = ({ form: { value, set, field, errorAt } }: FormProps): ReactNode => (
  <>
    <TextField label="Workspace" {...field('workspace', 'terraform.workspace')} />
    <Checkbox
      label="Apply without asking"
      hint="Otherwise a person confirms the plan first."
      isChecked={value.autoApprove}
      onChange={(autoApprove) => set({ autoApprove })}
    />
    <Select
      label="Who confirms"
      value={value.confirmedBy}
      onChange={(by) => set({ confirmedBy: by as Template['confirmedBy'] })}
      options={[
        { value: 'anyone', label: 'Anyone who may start it' },
        { value: 'another_person', label: 'Anyone except the person who started it' },
      ]}
      error={errorAt('confirmedBy')}
      isRequired
    />
  </>
);

/** Options that may be changed when a task is started. */
const LaunchOptions = ({ form: { value, set, errorAt } }: FormProps): ReactNode => (
  <fieldset className="group">
    <legend>Launch options</legend>
    <p className="hint">
      Options that may be changed when a task is started, besides the answers to the survey.
    </p>
    {offeredOptions(value).map((option) => (
      <Checkbox
        key={option}
        label={`${launchNames[option]} at the start`}
        isChecked={value.launch.includes(option)}
        onChange={(isAllowed) =>
          set({
            launch: [...value.launch.filter((one) => one !== option), ...(isAllowed ? [option] : [])],
          })
        }
      />
    ))}
    {errorAt('launch') && <p className="error">{errorAt('launch')}</p>}
  </fieldset>
);

const LimitFields = ({ form: { value, set, field } }: FormProps): ReactNode => (
  <div className="group">
    <h3>Limits, priority and lost runners</h3>
    <div className="two">
      <TextField
        label="Timeout"
        type="number"
        min={1}
        unit="min"
        {...field('timeoutMinutes', 'timeoutMs')}
        isRequired
      />
      <TextField
        label="Maximum attempts"
        type="number"
        min={1}
        max={10}
        {...field('maxAttempts')}
        isRequired
      />
      <TextField
        label="Tasks at a time"
        type="number"
        min={0}
        max={1000}
        hint="Of this template, on all runners. 0 = no limit."
        {...field('maxParallelTasks')}
        isRequired
      />
      <TextField
        label="Priority"
        type="number"
        hint="Of waiting tasks, the one with the highest priority starts first."
        {...field('priority')}
        isRequired
      />
      <Select
        label="When its runner is lost"
        value={value.onRunnerLost}
        onChange={(choice) => set({ onRunnerLost: choice as Template['onRunnerLost'] })}
        options={[
          { value: 'retry', label: 'Run it again elsewhere' },
          { value: 'fail', label: 'Fail: it must not run twice' },
        ]}
        isRequired
      />
      <Select
        label="When its runner drains"
        value={value.onDrain}
        onChange={(choice) => set({ onDrain: choice as Template['onDrain'] })}
        options={[
          { value: 'finish', label: 'Finish it there' },
          { value: 'hand_back', label: 'End it and run it elsewhere' },
        ]}
        isRequired
      />
    </div>
  </div>
);

/** Template without launch options. */
const blank = (app: App): LaunchTemplate => ({ app, arguments: [], timeoutMs: 0, priority: 0, launch: [] });

const AnsibleFields = ({ form: { field }, projectId }: Props): ReactNode => (
  <>
    <div className="two">
      <ReferenceField
        label="Become key"
        hint="Its password is used to become another user."
        choices={keyChoices(projectId)}
        {...field('becomeKeyId', 'ansible.becomeKeyId')}
      />
      <ReferenceField
        label="Vault key"
        choices={keyChoices(projectId)}
        {...field('vaultKeyId', 'ansible.vaultKeys')}
      />
    </div>
    <TextArea
      label="Extra variables"
      hint='JSON, such as {"release": "stable", "packages": ["nginx", "curl"]}'
      rows={4}
      isCode
      {...field('extraVars', 'ansible.extraVars')}
    />
  </>
);
