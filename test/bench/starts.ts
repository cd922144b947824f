/**
 * Runners that are woken at once: each by an invocation of its own, as a start webhook does. Store, flows and
 * EC2 calls are real; the machines run nothing, and the clock is the real one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { EC2Client } from '@aws-sdk/client-ec2';
import { newId } from '../../lambdas/adapters/ids.ts';
import { logTo } from '../../lambdas/adapters/log.ts';
import { ec2Instances } from '../../lambdas/adapters/runners/instances.ts';
import type { StartSoon } from '../../lambdas/adapters/runners/power-requests.ts';
import { runnerStore } from '../../lambdas/adapters/runners/runners.ts';
import { startQueue } from '../../lambdas/adapters/runners/start-queue.ts';
import { wake } from '../../lambdas/flows/runners/power.ts';
import { runBatches, startLeft } from '../../lambdas/flows/runners/start-turns.ts';
import { startTestEc2 } from '../../local/testing/ec2.ts';
import { runnerInput, toInstant } from '../../protocol/index.ts';
import { openTestTable } from '../dynamodb.ts';

export interface StartsFigures {
  readonly count: number;
  readonly started: number;
  /** Entries that no batch has taken. */
  readonly left: number;
  /** Calls of StartInstances, throttled ones included. */
  readonly calls: number;
  readonly throttled: number;
  readonly describes: number;
  /** From the first wake to the last start that EC2 accepted. */
  readonly lastMs: number;
}

/** Time from an asynchronous invocation to the function's first line, when it is warm. */
const invokeMs = 50;
/** The reconciler's interval. */
const minuteMs = 60_000;

const now = () => toInstant(Date.now());

/** Wakes that many runners at once, and resolves when all have started. */
export const benchStarts = async (count: number): Promise<StartsFigures> => {
  const table = await openTestTable();
  const ec2 = await startTestEc2();
  const { endpoint, credentials, region } = ec2;
  const stop = async () => {
    await ec2.stop();
    await table.close();
  };
  try {
    const runners = runnerStore(table.table);
    const starts = startQueue(table.table, now);
    const instances = ec2Instances((config) => new EC2Client({ ...config, endpoint, credentials, region }));
    let throttled = 0;
    let lastAtMs = 0;
    const invocations = new Set<Promise<void>>();
    const startSoon: StartSoon = async (request) => {
      const run = pause(invokeMs).then(() => runBatches({ ...deps, startSoon: inTheSame }, request));
      invocations.add(run);
    };
    const inTheSame: StartSoon = (request) => runBatches(deps, request);
    const deps = {
      now,
      newId,
      log: logTo(() => undefined),
      runners,
      starts,
      startSoon,
      pause,
      fleets: [],
      apiUrl: 'https://api.test',
      region,
      instances: {
        ...instances,
        startAll: async (refs: Parameters<typeof instances.startAll>[0]) => {
          const answer = await instances.startAll(refs);
          if (answer.started) lastAtMs = Date.now();
          else if (answer.code === 'throttled') throttled += 1;
          return answer;
        },
      },
    };

    const projectId = newId('prj');
    const woken = await Promise.all(
      Array.from({ length: count }, async () => {
        const instanceId = ec2.control.createStoppedInstance();
        const id = newId('run');
        const input = runnerInput.parse({ name: id, instanceId });
        const keys = { publicKey: '', tokenHash: '', webhookSecret: 'whsec_x' };
        const at = now();
        const since = { createdAt: at, statusSince: at };
        await runners.create({ ...input, ...keys, ...since, id, projectId, status: 'stopped' });
        const runner = await runners.wake({ id, projectId }, 'stopped', 'starting', at);
        if (!runner) throw new Error('The runner is not starting.');
        return runner;
      }),
    );

    const sinceMs = Date.now();
    await Promise.all(woken.map((runner) => wake(deps, runner)));
    const settle = async () => {
      for (const run of invocations) {
        invocations.delete(run);
        await run;
      }
    };
    await settle();
    while ((await starts.list(region)).length > 0) {
      await pause(minuteMs - ((Date.now() - sinceMs) % minuteMs));
      await startLeft(deps, region);
      await settle();
    }
    return {
      count,
      started: ec2.control.list().filter(({ state }) => state !== 'stopped').length,
      left: (await starts.list(region)).length,
      calls: ec2.callsOf('StartInstances'),
      throttled,
      describes: ec2.callsOf('DescribeInstances'),
      lastMs: lastAtMs - sinceMs,
    };
  } finally {
    await stop();
  }
};
