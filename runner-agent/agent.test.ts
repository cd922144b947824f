import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../protocol/agent.ts';
import { heartbeatRequest } from '../protocol/agent.ts';
import type { TaskId } from '../protocol/ids.ts';
import { createResults } from './task/results.ts';
import { type AgentFixture, createAgentFixture } from './testing/agent-fixture.ts';
import { aPayload } from './testing/builders.ts';
import { waitFor } from './testing/wait-for.ts';

let fixture: AgentFixture;
beforeEach(async () => {
  fixture = await createAgentFixture();
});
afterEach(() => fixture?.close());

const give = (given: Partial<TaskPayload> = {}, queueUrl?: string) => {
  const payload = aPayload(given);
  fixture.api.addTask(payload);
  fixture.ring(payload, queueUrl);
  return payload.taskId;
};
const finishOf = (taskId: TaskId) => waitFor('the finish', () => fixture.api.tasks.get(taskId)?.finish);
const statusOf = (taskId: TaskId) => fixture.api.tasks.get(taskId)?.status;
const problem = (status: number, code: string) => ({
  status,
  body: { type: 'urn:x', title: code, status, detail: `It is ${code}`, code },
});

/** Runs until the test ends it. */
const endless = 'echo started; sleep 60';
const hasStarted = (taskId: TaskId) =>
  waitFor('the start', () => fixture.api.textOf(taskId).includes('started'));

describe('a runner agent', () => {
  it('sends the log of a short task with its end', async () => {
    const taskId = give({ script: 'echo hello' });
    fixture.startAgent();
    await finishOf(taskId);
    expect(fixture.api.count('log')).toBe(0);
    expect(fixture.api.textOf(taskId)).toBe('hello\n');
  });

  it('sends the log before the end to an API whose claims say nothing of that', async () => {
    fixture.api.finishTakesLog = false;
    const taskId = give({ script: 'echo hello' });
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ logChunks: 1 });
    expect([fixture.api.count('log'), fixture.api.count('finish')]).toEqual([1, 1]);
    expect(fixture.api.textOf(taskId)).toBe('hello\n');
  });

  it('sends the log by itself when the API was replaced by an earlier one since the claim', async () => {
    fixture.api.intercept = (path) => {
      if (path === 'finish') fixture.api.finishTakesLog = false;
      return undefined;
    };
    const taskId = give({ script: 'echo hello' });
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ status: 'success', logChunks: 1 });
    expect([fixture.api.count('log'), fixture.api.count('finish')]).toEqual([1, 2]);
    expect(fixture.api.textOf(taskId)).toBe('hello\n');
  });

  it('fetches a task, runs it, sends its log and its result, and leaves nothing behind', async () => {
    const taskId = give({ script: 'echo "hello $NAME"; echo oops >&2', variables: { NAME: 'world' } });
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ status: 'success', exitCode: 0 });
    expect(fixture.api.textOf(taskId)).toContain('hello world\n');
    await waitFor('the empty queue', () => fixture.queued().ready + fixture.queued().inFlight === 0);
    await waitFor(
      'the wiped folder',
      async () => (await readdir(join(fixture.workDir, 'tasks'))).length === 0,
    );
  });

  it('never runs more tasks than it has slots, and runs all of them', async () => {
    fixture.api.settings.maxParallelTasks = 2;
    const other = fixture.addQueue('tasks-sydney');
    let most = 0;
    fixture.api.intercept = (path) => {
      const running = [...fixture.api.tasks.values()].filter(({ status }) => status === 'claimed').length;
      most = Math.max(most, running);
      return path === 'claim' && running >= 2 ? problem(409, 'try_later') : undefined;
    };
    const ids = Array.from({ length: 6 }, (_, index) =>
      give({ script: 'sleep 0.05' }, index % 2 ? other : undefined),
    );
    fixture.startAgent();
    for (const id of ids) await finishOf(id);
    expect(most).toBe(2);
    expect(fixture.api.count('claim')).toBe(6);
  });

  it('removes an unclaimable doorbell or an invalid message, and continues', async () => {
    fixture.send('not a doorbell');
    fixture.ring(aPayload());
    fixture.startAgent();
    await waitFor('the empty queue', () => fixture.queued().ready + fixture.queued().inFlight === 0);
    const taskId = give();
    expect(await finishOf(taskId)).toMatchObject({ status: 'success' });
  });

  it('repeats a claim whose answer was lost, and reports it as repeated', async () => {
    let isLost = true;
    const claims: unknown[] = [];
    fixture.api.intercept = (path, body) => {
      if (path !== 'claim') return undefined;
      claims.push(body);
      if (!isLost) return undefined;
      isLost = false;
      return { status: 502 };
    };
    const taskId = give();
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ status: 'success' });
    expect(claims).toEqual([
      expect.not.objectContaining({ again: true }),
      expect.objectContaining({ again: true }),
    ]);
  });

  it('puts back a doorbell that can be claimed later', async () => {
    const taskId = give();
    let refused = false;
    fixture.api.intercept = (path) => {
      if (path !== 'claim') return undefined;
      refused = true;
      return problem(409, 'try_later');
    };
    fixture.startAgent();
    await waitFor('the refusal', () => refused && fixture.queued().inFlight === 1);
    expect(statusOf(taskId)).toBe('waiting');
  });

  it('runs the task that a claim returns, and lets the doorbell of the other one ring again', async () => {
    fixture.api.givesFirst = true;
    fixture.api.settings.maxParallelTasks = 2;
    const first = aPayload({ script: 'sleep 0.2' });
    fixture.api.addTask(first);
    const rung = give();
    fixture.startAgent();
    expect(await finishOf(first.taskId)).toMatchObject({ status: 'success' });
    expect(await finishOf(rung)).toMatchObject({ status: 'success' });
    await waitFor('the empty queue', () => fixture.queued().ready + fixture.queued().inFlight === 0);
  });

  it('claims nothing by a second doorbell of a task that has ended here', async () => {
    fixture.api.givesFirst = true;
    const first = aPayload();
    fixture.api.addTask(first);
    fixture.ring(first);
    fixture.startAgent();
    await finishOf(first.taskId);
    fixture.ring(first);
    for (let n = 0; n < 3; n++) await finishOf(give());
    await waitFor('the empty queue', () => fixture.queued().ready + fixture.queued().inFlight === 0);
    expect(fixture.api.count('claim')).toBe(4);
  });

  it('does not run a task again that a late answer to a claim gives', async () => {
    const first = give();
    fixture.startAgent();
    await finishOf(first);
    await waitFor('the free slot', () => fixture.queued().inFlight === 0);
    let isLate = true;
    fixture.api.intercept = (path) => {
      if (path !== 'claim' || !isLate) return undefined;
      isLate = false;
      const { projectId } = aPayload();
      return { status: 200, body: { projectId, taskId: first, attempt: 1, lease: '', payload: 'sealed' } };
    };
    fixture.ring(aPayload());
    await waitFor('the empty queue', () => fixture.queued().ready + fixture.queued().inFlight === 0);
    expect(isLate).toBe(false);
    expect(fixture.api.count('finish')).toBe(1);
  });

  it('removes the doorbell of a task that waits no longer when it gets another task for it', async () => {
    fixture.api.givesFirst = true;
    const waiting = aPayload();
    fixture.api.addTask(waiting);
    fixture.ring(aPayload());
    fixture.startAgent();
    expect(await finishOf(waiting.taskId)).toMatchObject({ status: 'success' });
    await waitFor('the empty queue', () => fixture.queued().ready + fixture.queued().inFlight === 0);
    expect(fixture.api.count('claim')).toBe(1);
  });

  it("stops a task when a heartbeat's answer asks for it", async () => {
    const taskId = give({ script: endless });
    fixture.startAgent({ busyHeartbeatMs: 20 });
    await hasStarted(taskId);
    const task = fixture.api.tasks.get(taskId);
    if (task) task.stop = true;
    expect(await finishOf(taskId)).toMatchObject({ status: 'stopped', exitCode: 143 });
  });

  it('stops a silent task when its own queue rings, an hour before the next heartbeat is due', async () => {
    const control = fixture.addQueue('control');
    fixture.api.settings = {
      ...fixture.api.settings,
      queueUrls: [fixture.queueUrl],
      controlQueueUrl: control,
    };
    const taskId = give({ script: 'echo started; exec >/dev/null 2>&1; sleep 60' });
    fixture.startAgent({ busyHeartbeatMs: 3_600_000, idleHeartbeatMs: 3_600_000 });
    await hasStarted(taskId);
    const task = fixture.api.tasks.get(taskId);
    if (task) task.stop = true;
    fixture.send('{"heartbeat":true}', control);
    expect(await finishOf(taskId)).toMatchObject({ status: 'stopped', exitCode: 143 });
    await waitFor(
      'the empty queue',
      () => fixture.queued(control).ready + fixture.queued(control).inFlight === 0,
    );
  });

  it('hands back tasks at a drain if their template allows it, and lets the others finish', async () => {
    fixture.api.settings.maxParallelTasks = 2;
    const handedBack = give({ script: endless, onDrain: 'hand_back' });
    const finished = give({ script: 'echo started; sleep 0.3' });
    fixture.startAgent({ busyHeartbeatMs: 20 });
    await hasStarted(handedBack);
    await hasStarted(finished);
    fixture.api.drain = true;
    expect(await finishOf(handedBack)).toMatchObject({ status: 'handed_back' });
    expect(await finishOf(finished)).toMatchObject({ status: 'success' });
  });

  it('claims no task before the API has released the tasks of the previous agent', async () => {
    const taskId = give();
    const calls: unknown[] = [];
    fixture.api.intercept = (path, body) => {
      if (path === 'claim') calls.push(path);
      if (path !== 'heartbeat') return undefined;
      const { tasks, claims } = heartbeatRequest.parse(body);
      calls.push({ claims, tasks: tasks.length });
      const { settings } = fixture.api;
      return { status: 200, body: { leases: [], lost: [], drain: false, settings, claims: 7 } };
    };
    fixture.startAgent();
    await finishOf(taskId);
    expect(calls.slice(0, 3)).toEqual([{ tasks: 0 }, { claims: 7, tasks: 0 }, 'claim']);
  });

  it('reports that its tasks run as its own user', async () => {
    fixture.startAgent();
    const [beat] = await waitFor(
      'a heartbeat',
      () => fixture.api.heartbeats.length > 0 && fixture.api.heartbeats,
    );
    expect(beat?.tasksShareUser).toBe(true);
  });

  it('reports a low disk, and leaves the work to other runners', async () => {
    const taskId = give();
    fixture.startAgent({}, { minFreeMiB: 1e9 });
    const beat = await waitFor('the word', () => fixture.api.heartbeats.find(({ lowDisk }) => lowDisk));
    expect(beat.lowDisk).toMatchObject({ neededMiB: 1.2e9 });
    await waitFor('the doorbell to be put back', () => fixture.queued().inFlight === 1);
    expect(fixture.api.count('claim')).toBe(0);
    expect(statusOf(taskId)).toBe('waiting');
  });

  it('reports its shutdown before it hands back, and its leaving at the end', async () => {
    const taskId = give({ script: endless, onDrain: 'hand_back' });
    const agent = fixture.startAgent({}, { shutdownGraceMs: 60_000 });
    await hasStarted(taskId);
    agent.signal();
    await agent.done;
    expect(await finishOf(taskId)).toMatchObject({ status: 'handed_back' });
    const [first, last] = fixture.api.heartbeats.slice(-2);
    expect(first).toMatchObject({ draining: true, tasks: [{ taskId }] });
    expect(last).toMatchObject({ draining: true, leaving: true, tasks: [] });
  });

  it("waits for another agent's lease to expire, and gives up when it is renewed", async () => {
    fixture.api.intercept = (path) => (path === 'credentials' ? problem(409, 'agent_running') : undefined);
    const agent = fixture.startAgent({ leaseMs: -10_000 });
    await expect(agent.done).rejects.toThrow('It is agent_running');
    expect(fixture.api.count('credentials')).toBeGreaterThan(1);
  });

  it('kills a lost task, and reports nothing', async () => {
    const taskId = give({ script: endless });
    fixture.startAgent({ busyHeartbeatMs: 20, idleHeartbeatMs: 20 });
    await hasStarted(taskId);
    const task = fixture.api.tasks.get(taskId);
    if (task) task.lost = true;
    await waitFor('a heartbeat without it', () => fixture.api.heartbeats.at(-1)?.tasks.length === 0);
    expect(fixture.api.count('finish')).toBe(0);
  });

  it('ends its tasks when no heartbeat succeeds for a whole lease', async () => {
    const taskId = give({ script: endless });
    fixture.startAgent({ busyHeartbeatMs: 20, leaseMs: 5000 });
    await hasStarted(taskId);
    fixture.api.intercept = (path) => (path === 'heartbeat' ? { status: 503 } : undefined);
    await waitFor(
      'the wiped folder',
      async () => (await readdir(join(fixture.workDir, 'tasks'))).length === 0,
    );
    expect(fixture.api.count('finish')).toBe(0);
  });

  it('delivers the result of a task that ended during an API outage, even after its lease', async () => {
    let isAway = false;
    fixture.api.intercept = () => (isAway ? { status: 503 } : undefined);
    const taskId = give({ script: 'echo started; sleep 0.2; echo done' });
    fixture.startAgent({ busyHeartbeatMs: 20, leaseMs: 5000 });
    await hasStarted(taskId);
    isAway = true;
    await waitFor(
      'the wiped folder',
      async () => (await readdir(join(fixture.workDir, 'tasks'))).length === 0,
    );
    const calls = fixture.api.calls.length;
    await waitFor('some tries', () => fixture.api.calls.length > calls + 5);
    isAway = false;
    expect(await finishOf(taskId)).toMatchObject({ status: 'success' });
    expect(fixture.api.textOf(taskId)).toBe('started\ndone\n');
  });

  it('delivers the end of the log and the result of a previous agent', async () => {
    const payload = aPayload();
    fixture.api.addTask(payload);
    const task = fixture.api.tasks.get(payload.taskId);
    if (task) task.status = 'claimed';
    const { projectId, taskId } = payload;
    const entry = { at: new Date().toISOString(), stream: 'stdout' as const, text: 'the end\n' };
    const results = createResults(fixture.workDir);
    await results.save({
      projectId,
      taskId,
      attempt: 1,
      result: { status: 'error', exitCode: 3 },
      chunks: 8,
      pending: [{ seq: 7, entries: [entry] }],
    });
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ status: 'error', exitCode: 3, logChunks: 8 });
    expect(fixture.api.textOf(taskId)).toBe('the end\n');
    await waitFor('the emptied folder', async () => (await results.load()).length === 0);
  });

  it('gets a new lease when the API says that it expired', async () => {
    let expired = false;
    fixture.api.intercept = (path) => {
      if (path !== 'finish' || expired) return undefined;
      expired = true;
      return problem(409, 'lease_expired');
    };
    const taskId = give();
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ status: 'success' });
    expect(fixture.api.heartbeats.some(({ tasks }) => tasks.some((task) => task.taskId === taskId))).toBe(
      true,
    );
  });

  it('renews a session that the API no longer knows', async () => {
    let known = false;
    fixture.api.intercept = (path) => {
      if (path === 'credentials') known = fixture.api.count('credentials') > 1;
      return path === 'heartbeat' && !known ? problem(401, 'session_expired') : undefined;
    };
    const taskId = give();
    fixture.startAgent();
    expect(await finishOf(taskId)).toMatchObject({ status: 'success' });
    expect(fixture.api.count('credentials')).toBe(2);
  });

  it('requests another challenge after a late answer', async () => {
    fixture.api.intercept = (path) =>
      path === 'credentials' && fixture.api.count(path) === 1 ? problem(401, 'wrong_answer') : undefined;
    fixture.startAgent();
    await waitFor('the first heartbeat', () => fixture.api.heartbeats.length > 0);
    expect(fixture.api.count('challenge')).toBe(2);
  });

  it('ends with a clear message when the API does not accept it', async () => {
    fixture.api.token = 'another';
    fixture.api.intercept = (path) => (path === 'challenge' ? problem(401, 'unauthenticated') : undefined);
    await expect(fixture.startAgent().done).rejects.toThrow('The API refuses this runner');
  });

  it('refuses a working folder that another agent uses', async () => {
    const first = fixture.startAgent();
    await waitFor('the first', () => fixture.api.heartbeats.length > 0);
    await expect(fixture.startAgent().done).rejects.toThrow('Another agent works in');
    first.signal();
    await first.done;
    const beats = fixture.api.heartbeats.length;
    fixture.startAgent();
    await waitFor('the next', () => fixture.api.heartbeats.length > beats);
  });

  it('waits for its tasks when it is shut down', async () => {
    const taskId = give({ script: 'echo started; sleep 0.2' });
    const agent = fixture.startAgent({}, { shutdownGraceMs: 60_000 });
    await hasStarted(taskId);
    agent.signal();
    await agent.done;
    expect(fixture.api.tasks.get(taskId)?.finish).toMatchObject({ status: 'success' });
  });

  it('ends and reports its tasks when it is shut down at once', async () => {
    const taskId = give({ script: endless });
    const agent = fixture.startAgent({}, { shutdownGraceMs: 60_000 });
    await hasStarted(taskId);
    agent.signal();
    agent.signal();
    await agent.done;
    expect(fixture.api.tasks.get(taskId)?.finish).toMatchObject({
      status: 'lost',
      reason: 'The runner was shut down while the task ran',
    });
  });
});

describe('an idle runner agent', () => {
  it('offers to sleep after its last task, stops polling, and resumes when asked', async () => {
    fixture.api.settings.idleTimeoutMs = 0;
    const first = give();
    fixture.startAgent({ asleepHeartbeatMs: 20 });
    await finishOf(first);
    await waitFor('the offer', () => fixture.api.count('drain') === 1);
    const second = give();
    const beats = fixture.api.heartbeats.length;
    await waitFor('some heartbeats', () => fixture.api.heartbeats.length > beats + 3);
    expect(statusOf(second)).toBe('waiting');
    fixture.api.drain = false;
    expect(await finishOf(second)).toMatchObject({ status: 'success' });
  });

  it('continues when the API refuses its offer because of work', async () => {
    fixture.api.settings.idleTimeoutMs = 0;
    fixture.api.sleepAnswer = false;
    const first = give();
    fixture.startAgent();
    await finishOf(first);
    await waitFor('the offer', () => fixture.api.count('drain') === 1);
    expect(await finishOf(give())).toMatchObject({ status: 'success' });
  });

  it('claims the work that the answer to its offer names, without a doorbell', async () => {
    fixture.api.settings.idleTimeoutMs = 0;
    fixture.api.sleepAnswer = false;
    const first = give();
    fixture.startAgent();
    await finishOf(first);
    const second = aPayload();
    fixture.api.addTask(second);
    expect(await finishOf(second.taskId)).toMatchObject({ status: 'success' });
  });

  it('does not offer to sleep when nothing would stop it, or before it could fetch its first task', async () => {
    fixture.startAgent({ idleHeartbeatMs: 20 });
    await waitFor('some heartbeats', () => fixture.api.heartbeats.length > 3);
    fixture.api.settings.idleTimeoutMs = 0;
    await waitFor('some more', () => fixture.api.heartbeats.length > 6);
    expect(fixture.api.count('drain')).toBe(0);
  });

  it('drains on request, once its task is done', async () => {
    const first = give({ script: 'echo started; sleep 1' });
    fixture.startAgent({ busyHeartbeatMs: 20 });
    await hasStarted(first);
    fixture.api.drain = true;
    const second = give();
    await waitFor('the offer', () => fixture.api.count('drain') === 1);
    expect(statusOf(first)).toBe('finished');
    expect(statusOf(second)).toBe('waiting');
  });
});
