/** Known failures of similar products: one scenario each, named after the public issue. */
import { describe, expect, it } from 'vitest';
import { play } from './scenario.ts';

const secondMs = 1000;
const minuteMs = 60_000;

describe('github-aws-runners/terraform-aws-github-runner', () => {
  it('keeps a task that arrives as its runner goes to sleep (#5085, #5086, #5228)', async () => {
    for (let lateMs = -300; lateMs <= 2700; lateMs += 150) {
      await play(
        async ({ simulation, projectId, done, start, pass, read }) => {
          await done(simulation.addRunner(projectId, { idleTimeoutMs: 120_000 }));
          const template = simulation.addTemplate(projectId, 5000);
          const first = await start(template);
          await pass(90 * secondMs);
          const { finishedAt } = await read(first);
          const sleepsAtMs = Date.parse(finishedAt ?? '') + 120_000;
          await pass(sleepsAtMs + lateMs - simulation.time.nowMs());
          const second = await start(template);
          await pass(3 * minuteMs);
          expect(await read(second)).toMatchObject({ status: 'success', attempt: 1 });
        },
        { seed: lateMs + 1000 },
      );
    }
  });

  it('does not wait for an instance that another task took (#933, #3130)', () =>
    play(async ({ simulation, projectId, done, start, pass, read, waitMs }) => {
      const running = await done(simulation.addRunner(projectId));
      const template = simulation.addTemplate(projectId, 20 * secondMs);
      const broken = await done(simulation.addRunner(projectId));
      simulation.breakBoot(broken);
      const first = await start(template);
      const second = await start(template);
      await pass(3 * minuteMs);
      expect([await read(first), await read(second)]).toMatchObject([
        { status: 'success', runnerId: running },
        { status: 'success', runnerId: running },
      ]);
      expect(await waitMs(second)).toBeLessThan(90 * secondMs);
      await pass(10 * minuteMs);
      expect(await simulation.runner(broken)).toMatchObject({ status: 'stopped', assigned: [] });
    }));

  it('never treats a busy instance as an orphan (#4391)', () =>
    play(async ({ simulation, projectId, done, start, pass, read }) => {
      const busy = await done(simulation.addRunner(projectId, { idleTimeoutMs: 0 }));
      const task = await start(simulation.addTemplate(projectId, 90 * minuteMs));
      for (let minutes = 0; minutes < 80; minutes += 10) {
        await pass(10 * minuteMs);
        expect(await simulation.runner(busy)).toMatchObject({ status: 'online', slots: [task.id] });
      }
      await pass(15 * minuteMs);
      expect(await read(task)).toMatchObject({ status: 'success', attempt: 1 });
    }));

  it('retries an instance that starts and never registers, then runs its tasks on another (#3493)', () =>
    play(
      async ({ simulation, projectId, done, start, pass, read, reasonOf }) => {
        const broken = await done(simulation.addRunner(projectId, { tags: ['sydney'] }));
        simulation.breakBoot(broken);
        const task = await start(simulation.addTemplate(projectId, secondMs, { tag: 'sydney' }));
        await pass(20 * minuteMs);
        expect(await simulation.runner(broken)).toMatchObject({
          status: 'stopped',
          assigned: [],
          failedStarts: 3,
          fault: { code: 'boot_timeout' },
        });
        expect(await reasonOf(task)).toMatch(/could be started.*did not report within 5 minutes/);
        const other = await done(simulation.addRunner(projectId, { tags: ['sydney'] }));
        await pass(2 * minuteMs);
        expect(await read(task)).toMatchObject({ status: 'success', runnerId: other });
        simulation.breakBoot(broken, false);
        await done(simulation.configure(broken, { active: true }));
        expect((await simulation.runner(broken))?.quarantinedAt).toBeUndefined();
      },
      { faultScale: 0.000_001 },
    ));

  it('prefers a free slot on an online runner to an instance that must start (#2306)', () =>
    play(async ({ simulation, projectId, done, start, pass, read }) => {
      const first = await done(simulation.addRunner(projectId, { maxParallelTasks: 2 }));
      const second = await done(simulation.addRunner(projectId, { maxParallelTasks: 2 }));
      const template = simulation.addTemplate(projectId, 30 * secondMs);
      await start(template);
      await pass(minuteMs);
      const [online, stopped] =
        (await simulation.runner(first))?.status === 'online' ? [first, second] : [second, first];
      const again = await start(template);
      await pass(5 * secondMs);
      expect(await read(again)).toMatchObject({ status: 'running', runnerId: online });
      expect(await simulation.runner(stopped)).toMatchObject({ status: 'stopped' });
      expect(simulation.counts.starts).toBe(1);
    }));
});

describe('semaphoreui/semaphore', () => {
  it('assigns no task to an offline runner (#1796)', () =>
    play(async ({ simulation, projectId, done, start, pass, read }) => {
      const absent = await done(simulation.addRunner(projectId, { kind: 'always on', tags: ['sydney'] }));
      await pass(minuteMs);
      simulation.unplug(absent);
      await pass(3 * minuteMs);
      const woken = await done(simulation.addRunner(projectId, { tags: ['sydney'] }));
      const task = await start(simulation.addTemplate(projectId, secondMs, { tag: 'sydney' }));
      await pass(2 * minuteMs);
      expect(await read(task)).toMatchObject({ status: 'success', runnerId: woken });
    }));

  it('shows why a task waits, and starts it once possible (#2365, #3007, #2699)', () =>
    play(async ({ simulation, projectId, done, start, pass, read, reasonOf }) => {
      const template = simulation.addTemplate(projectId, 2 * minuteMs, { tag: 'sydney' });
      const first = await start(template);
      expect(await reasonOf(first)).toBe(
        'No runner has tag sydney in this project. Add one, or change the tag of the template or its inventory.',
      );
      const runner = await done(simulation.addRunner(projectId, { tags: ['sydney'], active: false }));
      expect(await reasonOf(first)).toMatch(/inactive.*Activate one/);
      const { instanceId = '' } = (await simulation.runner(runner)) ?? {};
      simulation.ec2.refuseStart(instanceId, 'InsufficientInstanceCapacity');
      await done(simulation.configure(runner, { active: true }));
      await pass(3 * minuteMs);
      expect(await reasonOf(first)).toMatch(/could not be woken: .*AWS has no capacity/);
      simulation.ec2.refuseStart(instanceId);
      for (let left = 42; left > 0 && (await read(first)).status !== 'running'; left--)
        await pass(10 * secondMs);
      expect((await read(first)).status).toBe('running');
      const [second, third] = [await start(template), await start(template)];
      await pass(10 * secondMs);
      expect(await reasonOf(third)).toMatch(/slots? of .* (is|are) taken/);
      await pass(8 * minuteMs);
      expect([await read(second), await read(third)]).toMatchObject([
        { status: 'success' },
        { status: 'success' },
      ]);
    }));
});
