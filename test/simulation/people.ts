/** Users of the simulation: they configure, start tasks, and retry until the API answers. */
import { drainRunner, resumeRunner, wakeRunner } from '../../lambdas/flows/runners/owner-requests.ts';
import { configureRunner, createRunner, removeRunner } from '../../lambdas/flows/runners/runner-setup.ts';
import { setLimit } from '../../lambdas/flows/tasks/repair-limits.ts';
import { startTask, stopTask } from '../../lambdas/flows/tasks/start-task.ts';
import {
  type ProjectId,
  type RunnerId,
  type RunnerInput,
  runnerInput,
  type Task,
  type TaskId,
  type Template,
  template,
} from '../../protocol/index.ts';
import type { Environment } from './environment.ts';
import type { MachineKind } from './machines.ts';
import { publicKey } from './simulated-enrolment.ts';

const webhookSecret = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;

const placesOfFleet = 100;

export interface RunnerPlan extends Partial<RunnerInput> {
  readonly kind?: MachineKind;
}

export const createPeople = (simulation: Environment) => {
  const { time, control, ec2, machines, watch, waiting, routes, limits, stores, trace, counts } = simulation;
  let instancesMade = 0;
  let insisting = 0;

  /** Retries a user's action until the API answers. */
  const insist = async <T>(act: () => Promise<T>): Promise<T> => {
    insisting += 1;
    for (;;) {
      try {
        const answer = await act();
        insisting -= 1;
        return answer;
      } catch (error) {
        trace(`a person tries again: ${String(error)}`);
        await time.sleep(1000);
      }
    }
  };

  const runner = (runnerId: RunnerId) =>
    stores.runners.get(machines.of(runnerId)?.pool ?? 'global', runnerId);

  const saves = new Map<string, Promise<void>>();
  /** Either of two saves at a time may be the last, so the second one waits for the first. */
  const afterOther = (ownerId: string, save: () => Promise<void>): Promise<void> => {
    const saved = (saves.get(ownerId) ?? Promise.resolve()).then(save);
    saves.set(ownerId, saved);
    return saved;
  };

  return {
    /** Number of users whose action is still unanswered. */
    insisting: () => insisting,
    runner,
    newProject: (): ProjectId => control.newId('prj'),

    addRunner: async (
      projectId: ProjectId | undefined,
      { kind = 'instance', ...plan }: RunnerPlan = {},
    ): Promise<RunnerId> => {
      const id = control.newId('run');
      const instanceId = `i-${String(++instancesMade).padStart(17, '0')}`;
      const pool = projectId ?? 'global';
      const hasInstance = kind === 'instance';
      const machine = machines.add(
        { runnerId: id, pool, kind, agentId: id },
        hasInstance ? instanceId : undefined,
      );
      routes.tagged(id, plan.tags ?? []);
      if (hasInstance) {
        ec2.add(instanceId);
        watch.bind(id, instanceId);
      }
      const input = runnerInput.parse({
        name: id,
        instanceId: hasInstance ? instanceId : undefined,
        webhookUrl: kind === 'elsewhere' ? `https://elsewhere.test/${id}` : undefined,
        ...plan,
      });
      const made = {
        id,
        ...(kind === 'fleet' ? { publicKey: '', tokenHash: '' } : { publicKey, tokenHash: 'hash' }),
        webhookSecret,
        projectId,
      };
      await insist(() =>
        control.api('create runner', async (deps) => {
          if (input.fleet) await deps.fleetPlaces.take(input.fleet, pool, [id], placesOfFleet);
          return createRunner(deps, input, made);
        }),
      );
      if (kind === 'always on') machines.switchOn(machine);
      return id;
    },

    configure: async (runnerId: RunnerId, changes: Partial<RunnerInput>): Promise<void> => {
      if (changes.tags) routes.tagged(runnerId, changes.tags);
      await insist(async () => {
        const before = await runner(runnerId);
        if (!before) return;
        const { name, tags, maxParallelTasks, active, idleTimeoutMs, fleet } = before;
        const { instanceId, region, webhookUrl } = before;
        const given = { name, tags, maxParallelTasks, active, idleTimeoutMs, fleet };
        const input = runnerInput.parse({ ...given, instanceId, region, webhookUrl, ...changes });
        await control.api('configure runner', (deps) => configureRunner(deps, before, input));
      });
    },

    removeRunner: async (runnerId: RunnerId) => {
      const found = await runner(runnerId);
      return found
        ? control.api('remove runner', (deps) => removeRunner(deps, found)).catch(() => false)
        : false;
    },

    /** Drains a runner, and resumes it after a while. */
    drainRunner: async (runnerId: RunnerId, forMs: number): Promise<void> => {
      waiting.asked(runnerId);
      const draining = await insist(async () => {
        const found = await runner(runnerId);
        return found && control.api('drain runner', (deps) => drainRunner(deps, found));
      });
      if (!draining) return;
      await time.sleep(forMs);
      await insist(async () => {
        const found = await runner(runnerId);
        return found && control.api('resume runner', (deps) => resumeRunner(deps, found));
      });
      waiting.resumed(runnerId);
    },

    /** Wakes a runner without a task. */
    wakeRunner: async (runnerId: RunnerId): Promise<void> => {
      await insist(async () => {
        const found = await runner(runnerId);
        return found && control.api('wake runner', (deps) => wakeRunner(deps, found));
      });
    },

    addTemplate: (projectId: ProjectId, workMs: number, overrides: Partial<Template> = {}): Template => {
      const made = template.parse({
        id: control.newId('tpl'),
        projectId,
        name: 'work',
        app: 'bash',
        script: String(workMs),
        createdAt: time.now(),
        ...overrides,
      });
      control.templates.set(made.id, made);
      limits.isMade(made.id, made.maxParallelTasks);
      return made;
    },

    limitTemplate: (given: Template, max: number): Promise<void> =>
      afterOther(given.id, async () => {
        limits.isBeingSet(given.id);
        const changed = { ...(control.templates.get(given.id) ?? given), maxParallelTasks: max };
        control.templates.set(given.id, changed);
        await insist(() => control.api('save template', (deps) => setLimit(deps, changed)));
        limits.set(given.id, max);
      }),

    limitProject: (projectId: ProjectId, max: number): Promise<void> =>
      afterOther(projectId, async () => {
        limits.isBeingSet(projectId);
        control.projectLimits.set(projectId, max);
        await insist(() =>
          control.api('save project', (deps) => setLimit(deps, control.projectOf(projectId))),
        );
        limits.set(projectId, max);
      }),

    startTask: (given: Template): Promise<Task | undefined> => {
      counts.tasks += 1;
      return control
        .api('start task', (deps) =>
          startTask(deps, given.projectId, { templateId: given.id }, { name: 'someone', people: [] }),
        )
        .catch((error: unknown) => {
          trace(`a task was not accepted: ${String(error)}`);
          return undefined;
        });
    },

    stopTask: async (projectId: ProjectId, id: TaskId): Promise<void> => {
      const found = await stores.tasks.get(projectId, id);
      if (found)
        await control.api('stop task', (deps) => stopTask(deps, found, 'someone')).catch(() => undefined);
    },
  };
};
