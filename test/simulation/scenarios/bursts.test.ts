/** Many runners that are woken in the same second, on EC2's token buckets. */
import { expect, it } from 'vitest';
import { play } from './scenario.ts';

const count = 30;
const secondMs = 1000;

it(`starts ${count} runners that are woken at once by a few calls, within seconds`, () =>
  play(async ({ simulation, projectId, done, pass }) => {
    const ids = [];
    for (let number = 0; number < count; number++) {
      ids.push(await done(simulation.addRunner(projectId, { tags: [`tag-${number}`] })));
    }
    const starts = ids.map((_, number) =>
      simulation.startTask(simulation.addTemplate(projectId, 60 * secondMs, { tag: `tag-${number}` })),
    );
    const asked = simulation.ec2.startCalls();
    await done(Promise.all(starts));
    await pass(4 * secondMs);
    expect(simulation.counts.starts).toBe(count);
    expect(simulation.ec2.startCalls() - asked).toBeLessThanOrEqual(12);
  }));
