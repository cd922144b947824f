/** Many more tasks than slots, while the index lags far behind and no runner may stay on without work. */
import { expect, it } from 'vitest';
import { play } from './scenario.ts';

const count = 2000;
const secondMs = 1000;
const taskMs = 2 * secondMs;

it(`runs ${count} tasks on three runners with idle timeouts of 0, with an index that lags by 8 s`, () =>
  play(
    async ({ simulation, projectId, done, pass }) => {
      const tags = ['sydney'];
      for (let number = 0; number < 3; number++)
        await done(simulation.addRunner(projectId, { tags, maxParallelTasks: 2, idleTimeoutMs: 0 }));
      const template = simulation.addTemplate(projectId, taskMs, { tag: 'sydney' });
      for (let number = 0; number < count; number++)
        simulation.time.after(number * 30, () => void simulation.startTask(template));
      for (let minute = 0; minute < 30; minute++) await pass(60 * secondMs);
      expect(simulation.watch.violations).toEqual([]);
      expect(simulation.isQuiet()).toEqual([]);
      const tasks = simulation.items('tsk_');
      expect(tasks).toHaveLength(count);
      expect(tasks.filter(({ status, attempt }) => status !== 'success' || attempt !== 1)).toEqual([]);
    },
    { indexDelayMs: 8 * secondMs },
  ));
