import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentFixture, createAgentFixture } from '../testing/agent-fixture.ts';
import { aPayload } from '../testing/builders.ts';
import { type Imds, startImds } from '../testing/imds.ts';
import { waitFor } from '../testing/wait-for.ts';

let fixture: AgentFixture;
let imds: Imds;
beforeEach(async () => {
  fixture = await createAgentFixture();
  imds = await startImds();
  imds.set('instance-life-cycle', 'spot');
});
afterEach(async () => {
  await fixture?.close();
  await imds?.close();
});

/** Runs a task that would take a minute, and then has EC2 give notice. */
const reclaim = async (onDrain: 'finish' | 'hand_back', secondsLeft: number) => {
  const payload = aPayload({ script: 'echo started; sleep 60', onDrain });
  fixture.api.addTask(payload);
  fixture.ring(payload);
  const { done } = fixture.startAgent(
    { spotNoticeMs: 20 },
    { shutdownGraceMs: 50_000, metadataUrl: imds.url },
  );
  const ended = expect(done).rejects.toThrow(/^EC2 takes this spot instance back \(terminate\) at /);
  await waitFor('the start', () => fixture.api.textOf(payload.taskId).includes('started'));
  const time = new Date(Date.now() + secondsLeft * 1000).toISOString();
  imds.set('spot/instance-action', JSON.stringify({ action: 'terminate', time }));
  await ended;
  return fixture.api.tasks.get(payload.taskId)?.finish;
};

describe('an agent whose spot instance EC2 takes back', () => {
  it('hands back tasks as their template allows, and exits so that nothing restarts it', async () => {
    expect(await reclaim('hand_back', 120)).toMatchObject({ status: 'handed_back' });
    expect(fixture.api.heartbeats.at(-1)).toMatchObject({ draining: true, leaving: true, tasks: [] });
  });

  it('ends a task that would outlast the instance, in time to report it', async () => {
    expect(await reclaim('finish', 1)).toMatchObject({ status: 'lost' });
  });

  it('does not come online when there is already a notice', async () => {
    imds.set('spot/instance-action', JSON.stringify({ action: 'stop', time: new Date().toISOString() }));
    const { done } = fixture.startAgent({}, { metadataUrl: imds.url });
    await expect(done).rejects.toThrow(/^EC2 takes/);
  });
});
