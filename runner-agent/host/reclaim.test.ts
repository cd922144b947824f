import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aPayload } from '../testing/builders.ts';
import { type Imds, startImds } from '../testing/imds.ts';
import { waitFor } from '../testing/wait-for.ts';
import { createWorld, type World } from '../testing/world.ts';

let world: World;
let imds: Imds;
beforeEach(async () => {
  world = await createWorld();
  imds = await startImds();
  imds.set('instance-life-cycle', 'spot');
});
afterEach(async () => {
  await world?.close();
  await imds?.close();
});

/** Runs a task that would take a minute, and then has EC2 give notice. */
const reclaim = async (onDrain: 'finish' | 'hand_back', secondsLeft: number) => {
  const payload = aPayload({ script: 'echo started; sleep 60', onDrain });
  world.api.addTask(payload);
  world.ring(payload);
  const { done } = world.startAgent({ spotNoticeMs: 20 }, { shutdownGraceMs: 50_000, metadataUrl: imds.url });
  const ended = expect(done).rejects.toThrow(/^EC2 takes this spot instance back \(terminate\) at /);
  await waitFor('the start', () => world.api.textOf(payload.taskId).includes('started'));
  const time = new Date(Date.now() + secondsLeft * 1000).toISOString();
  imds.set('spot/instance-action', JSON.stringify({ action: 'terminate', time }));
  await ended;
  return world.api.tasks.get(payload.taskId)?.finish;
};

describe('an agent whose spot instance EC2 takes back', () => {
  it('hands back tasks as their template allows, and exits so that nothing restarts it', async () => {
    expect(await reclaim('hand_back', 120)).toMatchObject({ status: 'handed_back' });
    expect(world.api.heartbeats.at(-1)).toMatchObject({ draining: true, leaving: true, tasks: [] });
  });

  it('ends a task that would outlast the instance, in time to report it', async () => {
    expect(await reclaim('finish', 1)).toMatchObject({ status: 'lost' });
  });

  it('does not come online when there is already a notice', async () => {
    imds.set('spot/instance-action', JSON.stringify({ action: 'stop', time: new Date().toISOString() }));
    const { done } = world.startAgent({}, { metadataUrl: imds.url });
    await expect(done).rejects.toThrow(/^EC2 takes/);
  });
});
