/** Reads the parts of a task with their secrets, and makes its payload of them for the agent. */
import {
  type ClaimRequest,
  isTerraform,
  type TaskPartIds,
  type TaskPayload,
  terraformOptions,
} from '../../../protocol/index.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import type { Deps, TaskParts } from '../deps.ts';

/** Parts of a task that were read before its claim, by the ids that its doorbell named. */
export interface Early {
  readonly ids: TaskPartIds;
  /** Undefined when they could not be read. */
  readonly parts: Promise<TaskParts | undefined>;
}

/** Reads the parts of the task that rang while the claim looks whether it is next. */
export const readEarly = (
  deps: Pick<Deps, 'readTaskParts'>,
  { projectId }: ClaimRequest,
  ids: TaskPartIds,
): Early => ({
  ids,
  parts: deps.readTaskParts({ projectId, ...ids }).catch(() => undefined),
});

/** The claimed task decides which parts it has: a doorbell comes from outside. */
export const readParts = async (
  deps: Pick<Deps, 'readTaskParts'>,
  task: TaskRecord,
  early: Early | undefined,
): Promise<TaskParts | undefined> => {
  const isSame = (['templateId', 'inventoryId', 'environmentId', 'repositoryId'] as const).every(
    (name) => early?.ids[name] === task[name],
  );
  return (isSame ? await early?.parts : undefined) ?? deps.readTaskParts(task);
};

/** Ids of all objects whose secrets are in the payload. */
export const secretsOf = (task: TaskRecord, parts: TaskParts): string[] => {
  const { template, inventory, inventoryKey, repository, repositoryKey, environment } = parts;
  const { vaultKeys = [], becomeKeyId } = template.ansible ?? {};
  const { secrets = {}, secretFiles = {} } = environment ?? {};
  const hasSecrets = Object.keys(secrets).length > 0 || Object.keys(secretFiles).length > 0;
  const all = [
    inventoryKey && inventory?.keyId,
    repositoryKey && repository?.keyId,
    becomeKeyId,
    ...vaultKeys.map(({ keyId }) => keyId),
    hasSecrets ? task.environmentId : undefined,
  ];
  return [...new Set(all.filter((id) => id !== undefined))];
};

/** The template's options with the values of this task, and keys in place of their ids. */
const appOptionsOf = (task: TaskRecord, { template, vaultKeys, becomeKey }: TaskParts) => {
  const { vaultKeys: _vaultKeyIds, becomeKeyId: _becomeKeyId, ...ansible } = template.ansible ?? {};
  // The template may have been changed to apply without asking since the task started.
  const asks = task.confirmedBy === 'another_person' && { autoApprove: false };
  // Agents of 0.1.0 reject a payload with an unknown field, and without it they behave as with 0.
  const { verbosity, ...chosen } = { ...ansible, ...task.ansible };
  if (template.app === 'ansible')
    return {
      ansible: {
        ...chosen,
        verbosity: verbosity || undefined,
        vaultKeys: vaultKeys?.length ? [...vaultKeys] : undefined,
        becomeKey,
      },
    };
  return isTerraform(template.app)
    ? { terraform: terraformOptions.parse({ ...template.terraform, ...task.terraform, ...asks }) }
    : {};
};

/** Full name of a branch, as its short one may also be that of a tag, a pull request or a commit. */
const referenceOf = ({ repository: own }: TaskRecord, { template, repository }: TaskParts): string => {
  if (own?.commit !== undefined) return own.commit;
  if (own?.branch !== undefined) return `refs/heads/${own.branch}`;
  return template.branch ?? repository?.branch ?? '';
};

/** Makes the payload of a task. It has secrets, and travels encrypted. */
export const payloadOf = (task: TaskRecord, parts: TaskParts): TaskPayload => {
  const { template, inventory, inventoryKey, repository, repositoryKey, environment } = parts;
  return {
    projectId: task.projectId,
    taskId: task.id,
    attempt: task.attempt,
    templateName: template.name,
    app: template.app,
    arguments: task.arguments ?? template.arguments,
    timeoutMs: task.timeoutMs ?? template.timeoutMs,
    stopGraceMs: template.stopGraceMs,
    onDrain: template.onDrain,
    variables: environment?.variables ?? {},
    secrets: environment?.secrets ?? {},
    secretFiles: environment?.secretFiles,
    survey: task.survey,
    surveySecrets: task.surveySecrets,
    ...appOptionsOf(task, parts),
    script: template.script,
    path: template.path,
    repository: repository && {
      url: repository.url,
      branch: referenceOf(task, parts),
      knownHosts: repository.knownHosts,
      key: repositoryKey,
    },
    inventory: inventory && { ...inventory, key: inventoryKey },
  };
};
