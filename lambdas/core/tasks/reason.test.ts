import { describe, expect, it } from 'vitest';
import { addMs } from '../../../protocol/index.ts';
import { aRunner, aTask, aTaskId, noon } from '../testing.ts';
import { tasksAhead, whyLimited, whyWaiting } from './reason.ts';

const task = aTask({ tag: 'sydney' });

describe('whyWaiting', () => {
  it('reports that no runner has the tag', () => {
    expect(whyWaiting(task, [], noon)).toMatch(/^No runner has tag sydney in this project\./);
  });

  it('names the runner that an untagged task needs', () => {
    expect(whyWaiting(aTask(), [], noon)).toMatch(/no active untagged runner, and there is no global runner/);
  });

  it('reports inactive and offline runners', () => {
    expect(whyWaiting(task, [aRunner({ active: false })], noon)).toMatch(/inactive \(sydney-1\)/);
    const { instanceId: _, ...offline } = aRunner({ status: 'offline' });
    expect(whyWaiting(task, [offline], noon)).toMatch(/offline \(sydney-1\)\. Start the agent/);
  });

  it('shows the seconds of a start', () => {
    const starting = aRunner({ status: 'starting', assigned: [task.id] });
    expect(whyWaiting(task, [starting], addMs(noon, 12_000))).toBe('Starting i-0123456789abcdef0, 12 s.');
  });

  it('reports low disks with their free space', () => {
    const lowDisk = { freeMiB: 80, neededMiB: 120, at: noon, atStart: true };
    expect(whyWaiting(task, [aRunner({ lowDisk })], noon)).toMatch(
      /low \(sydney-1: 80 of 120 MiB free\)\. Make room/,
    );
  });

  it('distinguishes a drain that a person requested from one that the agent announced', () => {
    const asked = aRunner({ status: 'online', drainRequestedAt: noon });
    expect(whyWaiting(task, [asked], noon)).toMatch(/asked to drain \(sydney-1\)\. Resume one/);
    const leaving = aRunner({ status: 'online', drainAnnouncedAt: noon });
    expect(whyWaiting(task, [leaving], noon)).toBe(
      'The agent of every runner for this task is shutting down (sydney-1). The task waits until one is back.',
    );
  });

  it.each(['stopped', 'starting', 'stopping'] as const)('ignores an old drain of a %s runner', (status) => {
    const kept = { status, drainRequestedAt: noon, drainAnnouncedAt: noon, assigned: [task.id] };
    expect(whyWaiting(task, [aRunner(kept)], noon)).not.toMatch(/drain|shutting/);
  });

  it("names each runner's obstacle when they differ", () => {
    const runners = [
      aRunner({ name: 'a', active: false }),
      aRunner({ name: 'b', status: 'online', drainRequestedAt: noon }),
    ];
    expect(whyWaiting(task, runners, noon)).toBe(
      'No runner for this task can take it. a is inactive: activate it; b is asked to drain: resume it.',
    );
  });

  it('names five runners and counts the others', () => {
    const runners = 'abcdefg'.split('').map((name) => aRunner({ name, active: false }));
    expect(whyWaiting(task, runners, noon)).toMatch(/\(a, b, c, d, e and 2 more\)/);
  });

  it('reports a full runner while another one, not assigned yet, has room', () => {
    const full = aRunner({ status: 'online', slots: [aTaskId()], assigned: [task.id] });
    expect(whyWaiting(task, [full, aRunner({ name: 'b', status: 'stopped' })], noon)).toBe(
      'sydney-1 is at 1 of 1. The first runner with a free slot takes this task.',
    );
  });

  it('reports a free slot that is promised to another task', () => {
    const promised = aRunner({ status: 'online', assigned: [aTaskId()] });
    expect(whyWaiting(task, [promised], noon)).toBe('1 of 1 slot of sydney-1 is taken.');
  });

  it.each([
    [undefined, '2 of 2 slots of sydney-1, sydney-2 are taken.'],
    [0, '2 of 2 slots of sydney-1, sydney-2 are taken; this one is next.'],
    [1, '2 of 2 slots of sydney-1, sydney-2 are taken; 1 task is ahead.'],
    [41, '2 of 2 slots of sydney-1, sydney-2 are taken; 41 tasks are ahead.'],
    [101, '2 of 2 slots of sydney-1, sydney-2 are taken; more than 100 tasks are ahead.'],
  ])('counts the taken slots, and %s tasks ahead', (tasksAhead, reason) => {
    const full = aRunner({ status: 'online', slots: [aTaskId()] });
    const other = aRunner({ name: 'sydney-2', status: 'starting', assigned: [aTaskId()] });
    expect(whyWaiting(task, [full, other], noon, tasksAhead)).toBe(reason);
  });

  it('reports a runner without a limit that has many tasks to start', () => {
    const busy = aRunner({
      status: 'online',
      maxParallelTasks: 0,
      assigned: Array.from({ length: 50 }, aTaskId),
    });
    expect(whyWaiting(task, [busy], noon, 3)).toBe(
      'sydney-1 has 50 tasks to start first; 3 tasks are ahead.',
    );
  });

  it('reports a start that EC2 refused, in its words', () => {
    const fault = { code: 'InsufficientInstanceCapacity', detail: 'We are out of t4g.small.', at: noon };
    const faulty = aRunner({ status: 'starting', assigned: [task.id], fault });
    expect(whyWaiting(task, [faulty], noon)).toBe('sydney-1 could not be woken: We are out of t4g.small.');
  });
});

describe('whyLimited', () => {
  it.each([
    [1, 1, '1 of 1 task of template Deploy runs or is about to'],
    [1, 2, '1 of 2 tasks of template Deploy runs or is about to'],
    [2, 2, '2 of 2 tasks of template Deploy run or are about to'],
  ])('counts %i of %i, and gives advice', (held, max, counted) => {
    expect(whyLimited({ templateName: 'Deploy' }, { of: 'template', held, max })).toBe(
      `${counted}. Wait, or raise maxParallelTasks of the template.`,
    );
  });

  it.each([
    [0, '; this one is next.'],
    [3, '; 3 tasks are ahead.'],
    [101, '; more than 100 tasks are ahead.'],
  ])('says that %i tasks are ahead', (count, said) => {
    expect(whyLimited({ templateName: 'Deploy' }, { of: 'project', held: 1, max: 1 }, count)).toContain(
      `1 of 1 task of this project runs or is about to${said} Wait`,
    );
  });
});

describe('tasksAhead', () => {
  const front = Array.from({ length: 101 }, () => ({ id: aTaskId() }));

  it('is the place of a task in its line, and unknown for one that is not there', () => {
    expect(tasksAhead(front.slice(0, 5), front[4]?.id ?? 'tsk_')).toBe(4);
    expect(tasksAhead(front.slice(0, 5), aTaskId())).toBeUndefined();
  });

  it('is one more than the maximum for a task further back', () => {
    expect(tasksAhead(front, aTaskId())).toBe(101);
  });
});
