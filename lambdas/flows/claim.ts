/** Claiming: an agent that heard a doorbell asks for the task. */
import {
  addMs,
  type ClaimRequest,
  type ClaimResponse,
  type Instant,
  leaseMs,
  type TaskPayload,
  terraformOptions,
} from '../../protocol/index.ts';
import type { AgentIdentity } from '../adapters/agent-tokens.ts';
import { type RunnerRecord, runnerRef } from '../adapters/runners.ts';
import type { TaskRecord } from '../adapters/tasks.ts';
import { queuesOf } from '../core/routing.ts';
import { isHeldStatus } from '../core/task-state.ts';
import { sendEvent } from './deliver.ts';
import type { Deps, TaskParts } from './deps.ts';
import { endAttempt } from './lose-task.ts';
import type { PlaceDeps } from './place.ts';

export type ClaimDeps = PlaceDeps & Pick<Deps, 'readTaskParts' | 'seal' | 'agentTokens' | 'recordSecretUse'>;

/** `not_claimable`: forget the doorbell. `try_later`: put it back, as another runner may take it. */
export type ClaimResult =
  | { readonly ok: true; readonly claim: ClaimResponse }
  | { readonly ok: false; readonly code: 'not_claimable' | 'try_later' };

const refused = (code: 'not_claimable' | 'try_later'): ClaimResult => ({ ok: false, code });

/**
 * Gives a waiting task to a runner: a slot first, by one conditional write on the runner, then the task, by one on the
 * task. Where the second is refused the slot is given back; after a crash between the two, the heartbeat frees it.
 */
export const claimTask = async (
  deps: ClaimDeps,
  agent: AgentIdentity,
  request: ClaimRequest,
): Promise<ClaimResult> => {
  const { projectId, taskId } = request;
  const ref = runnerRef(agent.pool, agent.runnerId);
  const now = deps.now();
  const leaseUntil = addMs(now, leaseMs);
  const runner = await deps.runners.takeSlot(ref, taskId, leaseUntil, agent);
  if (!runner) return refused('try_later');

  const before = await deps.tasks.claim(
    { projectId, id: taskId },
    { runnerId: runner.id, queues: queuesOf(runner) },
    now,
  );
  if (!before) {
    const task = await deps.tasks.get(projectId, taskId);
    // A second doorbell for what this runner has already must not cost it the slot.
    const isHeld = task?.runnerId === runner.id && isHeldStatus(task.status);
    // The one agent of the runner says that it never got it, and indeed nothing was heard of it yet.
    if (isHeld && request.again && task.status === 'starting') {
      return give(deps, agent, runner, task, leaseUntil);
    }
    if (!isHeld) await deps.runners.returnSlot(runner, taskId);
    return refused('not_claimable');
  }
  const task: TaskRecord = { ...before, status: 'starting', runnerId: runner.id };
  await tellOthers(deps, before, task, runner);
  return give(deps, agent, runner, task, leaseUntil);
};

/** The lease and the payload of a task that the runner has by now. */
const give = async (
  deps: ClaimDeps,
  agent: AgentIdentity,
  runner: RunnerRecord,
  task: TaskRecord,
  leaseUntil: Instant,
): Promise<ClaimResult> => {
  const parts = await deps.readTaskParts(task);
  if (!parts) {
    await deps.runners.returnSlot(runner, task.id);
    await endAttempt(
      deps,
      runner,
      { ...task, onRunnerLost: 'fail' },
      'The template, or something that it names, was removed.',
    );
    return refused('not_claimable');
  }
  const secrets = secretsOf(task, parts);
  if (secrets.length > 0) {
    await deps.recordSecretUse({ projectId: task.projectId, taskId: task.id, runner, secrets });
  }
  const lease = { ...agent, projectId: task.projectId, taskId: task.id, attempt: task.attempt };
  return {
    ok: true,
    claim: {
      attempt: task.attempt,
      lease: await deps.agentTokens.signLease(lease, leaseUntil),
      payload: await deps.seal(JSON.stringify(payloadOf(task, parts)), runner.publicKey),
    },
  };
};

/** The ids of all whose secrets go out with the payload. */
const secretsOf = (task: TaskRecord, parts: TaskParts): string[] => {
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

/** The runner that owed the task owes it no more; its receiver, and the claimer's, hear of it if they keep count themselves. */
const tellOthers = async (
  deps: ClaimDeps,
  before: TaskRecord,
  task: TaskRecord,
  claimer: RunnerRecord,
): Promise<void> => {
  if (before.runnerId === claimer.id) return;
  if (claimer.webhookUrl) await sendEvent(deps, 'start', task, claimer);
  const owing = before.runnerId && (await deps.runners.find(task.projectId, before.runnerId));
  if (!owing) return;
  await deps.runners.dropDemand(owing, task.id);
  if (owing.webhookUrl) await sendEvent(deps, 'finish', task, owing);
};

/** The template's options with what was chosen for this task, and keys in place of their ids. */
const appOptionsOf = (task: TaskRecord, { template, vaultKeys, becomeKey }: TaskParts) => {
  const { vaultKeys: _vaultKeyIds, becomeKeyId: _becomeKeyId, ...ansible } = template.ansible ?? {};
  const isTerraform = template.app === 'terraform' || template.app === 'tofu';
  return {
    ...(template.app === 'ansible' && {
      ansible: {
        ...ansible,
        ...task.ansible,
        ...(vaultKeys && vaultKeys.length > 0 && { vaultKeys: [...vaultKeys] }),
        ...(becomeKey && { becomeKey }),
      },
    }),
    ...(isTerraform && { terraform: terraformOptions.parse({ ...template.terraform, ...task.terraform }) }),
  };
};

const payloadOf = (task: TaskRecord, parts: TaskParts): TaskPayload => {
  const { template, inventory, inventoryKey, repository, repositoryKey, environment } = parts;
  return {
    projectId: task.projectId,
    taskId: task.id,
    attempt: task.attempt,
    templateName: template.name,
    app: template.app,
    arguments: template.arguments,
    timeoutMs: template.timeoutMs,
    stopGraceMs: template.stopGraceMs,
    onDrain: template.onDrain,
    variables: environment?.variables ?? {},
    secrets: environment?.secrets ?? {},
    ...(environment?.secretFiles && { secretFiles: environment.secretFiles }),
    ...(task.survey && { survey: task.survey }),
    ...(task.surveySecrets && { surveySecrets: task.surveySecrets }),
    ...appOptionsOf(task, parts),
    ...(template.script !== undefined && { script: template.script }),
    ...(template.path !== undefined && { path: template.path }),
    ...(repository && {
      repository: {
        url: repository.url,
        branch: repository.branch,
        ...(repository.knownHosts !== undefined && { knownHosts: repository.knownHosts }),
        ...(repositoryKey && { key: repositoryKey }),
      },
    }),
    ...(inventory && { inventory: { ...inventory, ...(inventoryKey && { key: inventoryKey }) } }),
  };
};
