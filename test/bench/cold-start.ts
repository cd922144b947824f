/** The parts of a task's start on a sleeping instance, on the stack of one machine with EC2's delays at 0. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestCount } from '../../local/gateway/requests.ts';
import { startStack } from '../../local/stack.ts';
import { finishTask } from '../../protocol/endpoints/agent.ts';
import { getTrip } from '../../protocol/endpoints/dashboard.ts';
import { epochMs } from '../../protocol/index.ts';
import { apiClient, until } from '../client.ts';
import { makeHello } from './hello.ts';

export interface ColdStart {
  /** Parts that follow each other, in milliseconds. */
  readonly partsMs: Readonly<Record<string, number>>;
  /** Calls that no part can do without; those of one function are at most this many after each other. */
  readonly calls: Readonly<Record<string, number>>;
}

const countOf = (requests: readonly RequestCount[], principal: string, isCounted = true): number =>
  requests
    .filter((one) => one.principal === principal && (one.service !== 'lambda') === isCounted)
    .reduce((sum, { count }) => sum + count, 0);

export const measureColdStart = async (): Promise<ColdStart> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-bench-'));
  let isFinished = false;
  const stack = await startStack({
    dataDir,
    onRequest: ({ route }) => {
      isFinished ||= route?.endsWith(finishTask.path) === true;
    },
  });
  try {
    const api = apiClient(stack.url, stack.adminToken ?? '');
    const { projectId, templateId } = await makeHello(stack, api, 'cold');
    stack.resetRequests();
    const postedMs = Date.now();
    const { id: taskId } = await api.startTask(projectId, templateId);
    const atAnswer = stack.requests();
    await until('the task has finished', 30_000, () => isFinished);
    const atEnd = stack.requests();

    const { steps } = await api.ask(getTrip, { params: { projectId, taskId } });
    const atMs = (name: string): number => {
      const at = steps.find(({ step }) => step === name)?.at;
      if (at === undefined) throw new Error(`The trip of ${taskId} has no time of ${name}.`);
      return epochMs(at);
    };
    const output = (await api.readLog(projectId, taskId)).find(({ stream }) => stream === 'stdout');
    if (!output) throw new Error(`${taskId} has no output.`);
    const times = [
      postedMs,
      atMs('instance_starting'),
      atMs('agent_online'),
      atMs('claimed'),
      epochMs(output.at),
    ];
    const names = [
      'POST to StartInstances',
      'instance up to agent online',
      'online to claim',
      'claim to output',
    ];
    return {
      partsMs: Object.fromEntries(
        names.map((name, index) => [name, (times[index + 1] ?? 0) - (times[index] ?? 0)]),
      ),
      calls: {
        'POST: AWS calls of api': countOf(atAnswer, 'api'),
        'wake: AWS calls of runner-power': countOf(atEnd, 'runner-power'),
        "instance up to finish: agent's calls of api": countOf(atEnd, 'http') - countOf(atAnswer, 'http'),
        'instance up to finish: AWS calls of api': countOf(atEnd, 'api') - countOf(atAnswer, 'api'),
      },
    };
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
};
