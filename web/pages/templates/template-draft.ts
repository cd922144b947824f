/** Template as a form draft, where every field is a text, and the conversion back. */
import {
  type App,
  fittingOptions,
  isTerraform,
  type LaunchOption,
  type Template,
  templateValue,
} from '../../../protocol/index.ts';
import { numberOf } from '../../ui/form.tsx';
import { draftOf, type LaunchDraft, typedValues } from './launch-draft.ts';
import { fromQuestions, type Question, toQuestions } from './survey-editor.tsx';

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
  readonly maxParallelTasks: string;
  readonly priority: string;
  readonly survey: readonly Question[];
  /** JSON. */
  readonly extraVars: string;
  readonly becomeKeyId: string;
  readonly vaultKeyId: string;
  readonly workspace: string;
  readonly autoApprove: boolean;
  readonly confirmedBy: Template['confirmedBy'];
  /** The template's own values of launch options that have no other field. */
  readonly own: LaunchDraft;
  readonly launch: readonly LaunchOption[];
  /** Fields that this form does not show, kept unchanged. */
  readonly rest: Partial<Template>;
}

const minuteMs = 60_000;

export const ownOptions: readonly LaunchOption[] = [
  'limit',
  'tags',
  'skipTags',
  'check',
  'diff',
  'verbosity',
  'terraformAction',
  'branch',
];

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
  maxParallelTasks: '0',
  priority: '0',
  survey: [],
  extraVars: '',
  becomeKeyId: '',
  vaultKeyId: '',
  workspace: '',
  autoApprove: false,
  confirmedBy: 'anyone',
  own: {},
  launch: [],
  rest: {},
};

const asJson = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value, undefined, 2));

/** Returns what is no JSON as it is: the control plane refuses it by the field's name. */
const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

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
  maxParallelTasks: String(template.maxParallelTasks),
  priority: String(template.priority),
  survey: toQuestions(template.survey),
  extraVars: asJson(template.ansible?.extraVars),
  becomeKeyId: template.ansible?.becomeKeyId ?? '',
  vaultKeyId: template.ansible?.vaultKeys?.[0]?.keyId ?? '',
  workspace: template.terraform?.workspace ?? '',
  autoApprove: template.terraform?.autoApprove ?? false,
  confirmedBy: template.confirmedBy,
  own: draftOf(ownOptions.map((option) => [option, templateValue(template, option)])),
  launch: template.launch,
  rest: template,
});

/** Launch options that the typed template can use. */
export const offeredOptions = ({
  app,
  repositoryId,
}: Pick<TemplateDraft, 'app' | 'repositoryId'>): LaunchOption[] =>
  fittingOptions({ app, repositoryId: repositoryId || undefined });

/** Values as the API has them: at the same paths as those of a task, except for the branch. */
const ownOf = (draft: TemplateDraft): Record<string, unknown> =>
  typedValues(
    draft.own,
    offeredOptions(draft).filter((option) => ownOptions.includes(option)),
  );

const objectAt = (values: Record<string, unknown>, name: string): object => {
  const found = values[name];
  return typeof found === 'object' && found !== null ? found : {};
};

const filled = (value: string): string | undefined => value.trim() || undefined;

const ansibleOf = (draft: TemplateDraft) => {
  const { rest, extraVars, becomeKeyId, vaultKeyId } = draft;
  const { vaultKeys = [] } = rest.ansible ?? {};
  const vaults =
    vaultKeyId === '' ? [] : [{ ...(vaultKeys[0] ?? {}), keyId: vaultKeyId }, ...vaultKeys.slice(1)];
  const options = {
    ...objectAt(ownOf(draft), 'ansible'),
    extraVars: extraVars.trim() === '' ? undefined : fromJson(extraVars),
    becomeKeyId: filled(becomeKeyId),
    vaultKeys: vaults.length > 0 ? vaults : undefined,
  };
  return Object.values(options).some((value) => value !== undefined) ? { ansible: options } : {};
};

const terraformOf = (draft: TemplateDraft) => {
  const { rest, workspace, autoApprove } = draft;
  const { workspace: _workspace, action: _action, ...others } = rest.terraform ?? {};
  return {
    terraform: {
      ...others,
      ...objectAt(ownOf(draft), 'terraform'),
      autoApprove,
      workspace: filled(workspace),
    },
  };
};

export const templateInput = (draft: TemplateDraft): object => {
  const {
    id: _id,
    projectId: _project,
    createdAt: _made,
    editedBy: _editor,
    branch: _branch,
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
    timeoutMs: Math.round(numberOf(draft.timeoutMinutes) * minuteMs),
    onDrain: draft.onDrain,
    onRunnerLost: draft.onRunnerLost,
    maxAttempts: numberOf(draft.maxAttempts),
    maxParallelTasks: numberOf(draft.maxParallelTasks),
    priority: numberOf(draft.priority),
    ...(draft.source === 'script' ? { script: draft.script } : { path: draft.path.trim() }),
    description: filled(draft.description),
    repositoryId: filled(draft.repositoryId),
    inventoryId: filled(draft.inventoryId),
    environmentId: filled(draft.environmentId),
    tag: filled(draft.tag),
    branch: draft.repositoryId === '' ? undefined : filled(draft.own.branch ?? ''),
    confirmedBy: draft.confirmedBy,
    launch: offeredOptions(draft).filter((option) => draft.launch.includes(option)),
    survey: draft.survey.length > 0 ? fromQuestions(draft.survey) : undefined,
    ...(draft.app === 'ansible' && ansibleOf(draft)),
    ...(isTerraform(draft.app) && terraformOf(draft)),
  };
};
