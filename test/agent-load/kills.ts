/**
 * `kill -9` of the agent at random moments of a task's life: no task is lost, none runs twice at a time, no
 * process stays behind.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../client.ts';
import type { Fixture } from './fixture.ts';

/** A held lock means that the task runs: the kernel frees the lock when its last process ends. */
const script = (folder: string) => `
exec 9>${folder}/$REVEILLE_TASK_ID.lock
flock -n 9 || echo "$REVEILLE_TASK_ID" >>${folder}/doubles
setsid sleep 30 &
echo "$SECRET" >"$HOME/key"
for n in 1 2 3 4; do echo "line $n of attempt $REVEILLE_ATTEMPT"; sleep 0.1; done
`;

export interface Kills {
  readonly kills: number;
  /** Number of kills by the task's status. */
  readonly moments: Readonly<Record<string, number>>;
  readonly ended: number;
  readonly attempts: number;
  readonly doubles: number;
  readonly processesLeft: number;
  readonly filesLeft: number;
}

const marked = (workDir: string): number =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'utf8').includes(`REVEILLE_WORKSPACE=${workDir}/`);
    } catch {
      return false;
    }
  }).length;

export const killAtRandom = async (fixture: Fixture, kills: number, random: () => number): Promise<Kills> => {
  const { api, projectId, folder } = fixture;
  const runner = await fixture.addRunner('kills');
  const { id: environmentId } = await api.createEnvironment(projectId, {
    name: 'secret',
    secrets: { SECRET: 'correct-horse-battery' },
  });
  const input = { tag: 'kills', script: script(folder), maxAttempts: 10, stopGraceMs: 1000, environmentId };
  const templateId = await fixture.addTemplate(input);
  const moments: Record<string, number> = {};
  let ended = 0;
  let attempts = 0;
  const filesLeft = () =>
    ['tasks', 'results'].flatMap((name) => {
      const path = join(runner.workDir, name);
      return existsSync(path) ? readdirSync(path) : [];
    }).length;
  let agent = runner.start();
  await runner.isOnline();
  for (let n = 0; n < kills; n++) {
    const { id } = await api.startTask(projectId, templateId);
    await sleep(random() * 900);
    const { status } = await api.getTask(projectId, id);
    moments[status] = (moments[status] ?? 0) + 1;
    await agent.end('SIGKILL');
    agent = runner.start();
    const task = await fixture.ended(id, 90_000);
    if (task.status === 'success') ended += 1;
    attempts += task.attempt;
  }
  // An agent that is killed right after its report leaves the result. The next one removes it
  // once it is online.
  await until('the folders of tasks and results are empty', 30_000, () => filesLeft() === 0);
  await agent.end('SIGTERM');
  const doubles = `${folder}/doubles`;
  return {
    kills,
    moments,
    ended,
    attempts,
    doubles: existsSync(doubles) ? readFileSync(doubles, 'utf8').split('\n').length - 1 : 0,
    processesLeft: marked(runner.workDir),
    filesLeft: filesLeft(),
  };
};
