import { describe, expect, it } from 'vitest';
import { aProjectId, aTaskId, heldTasks } from '../testing/builders.ts';

const projectId = aProjectId();

describe('a task that is given in place of the one that rang', () => {
  it('takes its slot', () => {
    const held = heldTasks();
    const [rung, given] = [aTaskId(), aTaskId()];
    const task = held.replace(held.add(projectId, rung), projectId, given);
    expect(held.list()).toEqual([task]);
    expect([held.get(rung), held.get(given)]).toEqual([undefined, task]);
  });

  it('is the same when it is the one that rang', () => {
    const held = heldTasks();
    const task = held.add(projectId, aTaskId());
    expect(held.replace(task, projectId, task.taskId)).toBe(task);
  });

  it('takes no slot of a simultaneous claim, in either order of answers', () => {
    const held = heldTasks();
    const [a, b] = [held.add(projectId, aTaskId()), held.add(projectId, aTaskId())];
    const forA = held.replace(a, projectId, b.taskId);
    expect(held.size()).toBe(2);
    expect(held.list()).toContain(b);
    const forB = held.replace(b, projectId, a.taskId);
    expect(held.size()).toBe(2);
    expect([held.get(a.taskId), held.get(b.taskId)]).toEqual([forB, forA]);
    held.remove(forA);
    held.remove(forB);
    expect(held.size()).toBe(0);
  });

  it('leaves nothing behind when the other claim is refused', () => {
    const held = heldTasks();
    const [a, b] = [held.add(projectId, aTaskId()), held.add(projectId, aTaskId())];
    const forA = held.replace(a, projectId, b.taskId);
    held.remove(b);
    expect(held.list()).toEqual([forA]);
  });
});
