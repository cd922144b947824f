/** What can be set of a template. */
import type { ReactNode } from 'react';
import type { App, Template } from '../../protocol/index.ts';
import { environmentsQuery, inventoriesQuery, keysQuery, repositoriesQuery } from '../client/queries.ts';
import { Checkbox, Select, TextArea, TextField } from '../ui/field.tsx';
import { fromPairs, type Pair, PairsField, toPairs } from '../ui/pairs.tsx';
import { ReferenceField } from './reference-field.tsx';
import type { FieldsProps } from './resource-page.tsx';
import { RoutingSentence, TagField } from './routing-sentence.tsx';
import { fromQuestions, type Question, SurveyEditor, toQuestions } from './survey-editor.tsx';

export interface TemplateDraft {
  readonly name: string;
  readonly description: string;
  readonly app: App;
  readonly source: 'script' | 'path';
  readonly script: string;
  readonly path: string;
  readonly repositoryId: string;
  readonly inventoryId: string;
  readonly environmentId: string;
  readonly arguments: string;
  readonly tag: string;
  readonly timeoutMinutes: string;
  readonly onDrain: Template['onDrain'];
  readonly onRunnerLost: Template['onRunnerLost'];
  readonly maxAttempts: string;
  readonly survey: readonly Question[];
  readonly extraVars: readonly Pair[];
  readonly becomeKeyId: string;
  readonly vaultKeyId: string;
  readonly workspace: string;
  readonly autoApprove: boolean;
  /** What this form has no field for, kept as it is. */
  readonly rest: Partial<Template>;
}

export const apps: Readonly<Record<App, string>> = {
  ansible: 'Ansible playbook',
  terraform: 'Terraform',
  tofu: 'OpenTofu',
  bash: 'Bash script',
  python: 'Python script',
  powershell: 'PowerShell script',
};

const minuteMs = 60_000;

export const emptyTemplate: TemplateDraft = {
  name: '',
  description: '',
  app: 'ansible',
  source: 'script',
  script: '',
  path: '',
  repositoryId: '',
  inventoryId: '',
  environmentId: '',
  arguments: '',
  tag: '',
  timeoutMinutes: '60',
  onDrain: 'finish',
  onRunnerLost: 'retry',
  maxAttempts: '3',
  survey: [],
  extraVars: [],
  becomeKeyId: '',
  vaultKeyId: '',
  workspace: '',
  autoApprove: false,
  rest: {},
};

const asText = (all: Readonly<Record<string, string | number | boolean>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, String(value)]));

export const templateDraft = (template: Template): TemplateDraft => ({
  name: template.name,
  description: template.description ?? '',
  app: template.app,
  source: template.path === undefined ? 'script' : 'path',
  script: template.script ?? '',
  path: template.path ?? '',
  repositoryId: template.repositoryId ?? '',
  inventoryId: template.inventoryId ?? '',
  environmentId: template.environmentId ?? '',
  arguments: template.arguments.join('\n'),
  tag: template.tag ?? '',
  timeoutMinutes: String(template.timeoutMs / minuteMs),
  onDrain: template.onDrain,
  onRunnerLost: template.onRunnerLost,
  maxAttempts: String(template.maxAttempts),
  survey: toQuestions(template.survey),
  extraVars: toPairs(asText(template.ansible?.extraVars)),
  becomeKeyId: template.ansible?.becomeKeyId ?? '',
  vaultKeyId: template.ansible?.vaultKeys?.[0]?.keyId ?? '',
  workspace: template.terraform?.workspace ?? '',
  autoApprove: template.terraform?.autoApprove ?? false,
  rest: template,
});

const given = <K extends string>(name: K, value: string) =>
  value.trim() === '' ? {} : { [name]: value.trim() };

const ansibleOf = ({ rest, extraVars, becomeKeyId, vaultKeyId }: TemplateDraft) => {
  const { extraVars: _vars, becomeKeyId: _become, vaultKeys = [], ...others } = rest.ansible ?? {};
  const vaults =
    vaultKeyId === '' ? [] : [{ ...(vaultKeys[0] ?? {}), keyId: vaultKeyId }, ...vaultKeys.slice(1)];
  const options = {
    ...others,
    ...(extraVars.length > 0 && { extraVars: fromPairs(extraVars) }),
    ...given('becomeKeyId', becomeKeyId),
    ...(vaults.length > 0 && { vaultKeys: vaults }),
  };
  return Object.keys(options).length > 0 ? { ansible: options } : {};
};

const terraformOf = ({ rest, workspace, autoApprove }: TemplateDraft) => {
  const { workspace: _workspace, ...others } = rest.terraform ?? {};
  return { terraform: { ...others, autoApprove, ...given('workspace', workspace) } };
};

export const isTerraform = (app: App): boolean => app === 'terraform' || app === 'tofu';

export const templateInput = (draft: TemplateDraft): object => {
  const {
    id: _id,
    projectId: _project,
    createdAt: _made,
    ansible: _ansible,
    terraform: _terraform,
    ...kept
  } = draft.rest;
  const {
    description: _description,
    script: _script,
    path: _path,
    repositoryId: _repository,
    inventoryId: _inventory,
    environmentId: _environment,
    tag: _tag,
    survey: _survey,
    ...others
  } = kept;
  return {
    ...others,
    name: draft.name,
    app: draft.app,
    arguments: draft.arguments.split('\n').filter((line) => line !== ''),
    timeoutMs: Math.round(Number(draft.timeoutMinutes) * minuteMs),
    onDrain: draft.onDrain,
    onRunnerLost: draft.onRunnerLost,
    maxAttempts: Number(draft.maxAttempts),
    ...(draft.source === 'script' ? { script: draft.script } : { path: draft.path.trim() }),
    ...given('description', draft.description),
    ...given('repositoryId', draft.repositoryId),
    ...given('inventoryId', draft.inventoryId),
    ...given('environmentId', draft.environmentId),
    ...given('tag', draft.tag),
    ...(draft.survey.length > 0 && { survey: fromQuestions(draft.survey) }),
    ...(draft.app === 'ansible' && ansibleOf(draft)),
    ...(isTerraform(draft.app) && terraformOf(draft)),
  };
};

export const TemplateFields = ({ form, projectId }: FieldsProps<TemplateDraft>): ReactNode => {
  const { value, set, errorAt } = form;
  return (
    <>
      <TextField
        label="Name"
        value={value.name}
        onChange={(name) => set({ name })}
        error={errorAt('name')}
        isRequired
      />
      <TextField
        label="Description"
        value={value.description}
        onChange={(description) => set({ description })}
        error={errorAt('description')}
      />
      <div className="two">
        <Select
          label="App"
          value={value.app}
          onChange={(app) => set({ app: app as App, ...(isTerraform(app as App) && { source: 'path' }) })}
          options={Object.entries(apps).map(([app, label]) => ({ value: app, label }))}
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
          value={value.script}
          onChange={(script) => set({ script })}
          error={errorAt('script')}
          isRequired
        />
      ) : (
        <TextField
          label={isTerraform(value.app) ? 'Folder' : 'Path'}
          hint="In the repository."
          placeholder={value.app === 'ansible' ? 'site.yml' : ''}
          value={value.path}
          onChange={(path) => set({ path })}
          error={errorAt('path')}
          isRequired
        />
      )}
      <div className="two">
        <ReferenceField
          label="Repository"
          query={repositoriesQuery(projectId)}
          value={value.repositoryId}
          onChange={(repositoryId) => set({ repositoryId })}
          error={errorAt('repositoryId')}
        />
        <ReferenceField
          label="Environment"
          query={environmentsQuery(projectId)}
          value={value.environmentId}
          onChange={(environmentId) => set({ environmentId })}
          error={errorAt('environmentId')}
        />
        {value.app === 'ansible' && (
          <ReferenceField
            label="Inventory"
            query={inventoriesQuery(projectId)}
            value={value.inventoryId}
            onChange={(inventoryId) => set({ inventoryId })}
            error={errorAt('inventoryId')}
          />
        )}
      </div>
      <TagField
        projectId={projectId}
        value={value.tag}
        onChange={(tag) => set({ tag })}
        error={errorAt('tag')}
        hint="Only runners with this tag take its tasks. Empty: the inventory’s tag, else the untagged runners."
      />
      <RoutingSentence projectId={projectId} tag={value.tag} inventoryId={value.inventoryId} />
      {value.app === 'ansible' && <AnsibleFields form={form} projectId={projectId} />}
      {isTerraform(value.app) && (
        <>
          <TextField
            label="Workspace"
            value={value.workspace}
            onChange={(workspace) => set({ workspace })}
            error={errorAt('terraform.workspace')}
          />
          <Checkbox
            label="Apply without asking"
            hint="Else somebody confirms the plan first."
            isChecked={value.autoApprove}
            onChange={(autoApprove) => set({ autoApprove })}
          />
        </>
      )}
      <TextArea
        label="Arguments"
        hint="A line each, as they are: no shell reads them."
        rows={2}
        isCode
        value={value.arguments}
        onChange={(args) => set({ arguments: args })}
        error={errorAt('arguments')}
      />
      <SurveyEditor value={value.survey} onChange={(survey) => set({ survey })} errorAt={errorAt} />
      <div className="group">
        <h3>When it takes long, or its runner goes away</h3>
        <div className="two">
          <TextField
            label="Timeout"
            type="number"
            min={1}
            unit="min"
            value={value.timeoutMinutes}
            onChange={(timeoutMinutes) => set({ timeoutMinutes })}
            error={errorAt('timeoutMs')}
            isRequired
          />
          <TextField
            label="Attempts at most"
            type="number"
            min={1}
            max={10}
            value={value.maxAttempts}
            onChange={(maxAttempts) => set({ maxAttempts })}
            error={errorAt('maxAttempts')}
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
            label="When its runner is to drain"
            value={value.onDrain}
            onChange={(choice) => set({ onDrain: choice as Template['onDrain'] })}
            options={[
              { value: 'finish', label: 'Finish there' },
              { value: 'hand_back', label: 'End it and run it elsewhere' },
            ]}
            isRequired
          />
        </div>
      </div>
    </>
  );
};

const AnsibleFields = ({
  form: { value, set, errorAt },
  projectId,
}: Pick<FieldsProps<TemplateDraft>, 'form' | 'projectId'>): ReactNode => (
  <>
    <div className="two">
      <ReferenceField
        label="Become key"
        hint="Its password is for becoming another user."
        query={keysQuery(projectId)}
        value={value.becomeKeyId}
        onChange={(becomeKeyId) => set({ becomeKeyId })}
        error={errorAt('ansible.becomeKeyId')}
      />
      <ReferenceField
        label="Vault key"
        query={keysQuery(projectId)}
        value={value.vaultKeyId}
        onChange={(vaultKeyId) => set({ vaultKeyId })}
        error={errorAt('ansible.vaultKeys')}
      />
    </div>
    <PairsField
      label="Extra variables"
      one="variable"
      value={value.extraVars}
      onChange={(extraVars) => set({ extraVars })}
      error={errorAt('ansible.extraVars')}
    />
  </>
);
