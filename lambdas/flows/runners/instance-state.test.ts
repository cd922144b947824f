import { afterAll, beforeAll, expect, it } from 'vitest';
import { addMs, runnerStatus } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { instanceState } from '../../adapters/runners/instance-facts.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import { noon } from '../../core/testing.ts';
import { flowFixture } from '../testing.ts';
import { followInstance, isInStep } from './instance-state.ts';

let table: TestTable;
beforeAll(async () => {
  table = await openTestTable();
});
afterAll(() => table?.close());

const launchedAt = addMs(noon, -60_000);
const session = { id: 'ses_01KDVXGA000000000000000000', startedAt: launchedAt } as const;
const sessions = [{}, { session }, { lastSessionStartedAt: launchedAt }];
const states = runnerStatus.options.flatMap((status) =>
  instanceState.options.flatMap((state) => sessions.map((known) => ({ status, state, known }))),
);

it('is in step only with what following it would leave as it is', async () => {
  const fixture = flowFixture(table.table);
  const { projectId } = fixture;
  const made = await fixture.addRunner({ instanceId: 'i-00000000000000001' });
  const skipped: string[] = [];
  for (const { status, state, known } of states) {
    const set = { session: undefined, lastSessionStartedAt: undefined, ...known, status, onlineAt: noon };
    await table.table.update({ pk: projectId, sk: made.id }, { set }, []);
    const runner = await fixture.reload(made);
    const facts = fixture.setInstance(runner, state, launchedAt);
    if (!isInStep(runner, facts)) continue;
    skipped.push(`${status} ${state}`);
    const before = await table.dump();
    await followInstance(fixture.deps, runner, facts, noon);
    expect(await table.dump()).toEqual(before);
    expect(fixture.calls).toEqual([]);
  }
  expect(new Set(skipped)).toEqual(
    new Set([
      ...runnerStatus.options.filter(isAwake).flatMap((status) => [`${status} pending`, `${status} running`]),
      'stopping stopping',
    ]),
  );
});
