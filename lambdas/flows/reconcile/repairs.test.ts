import { expect, it } from 'vitest';
import { logTo } from '../../adapters/log.ts';
import { beginPass, runPasses } from './repairs.ts';

const failing = async (): Promise<never> => {
  throw new Error('It would have too many bytes');
};

it('continues with the other items when one fails, and names that one in the log', async () => {
  const logged: [string, unknown][] = [];
  const { repairs, repaired, each } = beginPass(logTo((...line) => void logged.push(line)));
  await each(['a', 'b', 'c'], String, async (one) => (one === 'a' ? failing() : repaired('mended', { one })));
  expect(repairs).toEqual({ failed_and_left_for_later: 1, mended: 2 });
  expect(logged[0]).toEqual([
    'Repaired: failed_and_left_for_later',
    { id: 'a', error: 'Error: It would have too many bytes' },
  ]);
});

it('runs every pass when one fails, adds up the repairs, and reports the failed one', async () => {
  const logged: [string, unknown][] = [];
  const { repairs, failures } = await runPasses(
    logTo((...line) => void logged.push(line)),
    {
      live: async () => ({ mended: 1, failed_and_left_for_later: 1 }),
      schedules: failing,
      events: async () => ({ failed_and_left_for_later: 2 }),
    },
  );
  expect(repairs).toEqual({ mended: 1, failed_and_left_for_later: 3 });
  expect(failures).toHaveLength(1);
  expect(logged).toEqual([
    ['A pass of the reconciler failed', { pass: 'schedules', error: 'Error: It would have too many bytes' }],
  ]);
});
