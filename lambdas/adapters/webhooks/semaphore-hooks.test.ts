import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { noon } from '../../core/testing.ts';
import { type SemaphoreHooks, semaphoreHooks } from './semaphore-hooks.ts';

let table: TestTable;
let hooks: SemaphoreHooks;
beforeEach(async () => {
  table = await openTestTable();
  hooks = semaphoreHooks(table.table);
  await hooks.create('smh_1', { instanceId: 'i-0123456789abcdef0', maxHours: 12 }, 'hash');
});
afterEach(() => table?.close());

describe('tasks of a Semaphore runner', () => {
  it('are remembered as finished, at least 500 and at most 1,000', async () => {
    const before = new Set(Array.from({ length: 999 }, (_, index) => `1/${index + 1}`));
    await table.table.update({ pk: 'semaphore', sk: 'smh_1' }, { add: { finished: before } }, []);
    const hook = await hooks.finish('smh_1', '1/1000');
    expect(hook?.finished.size).toBe(500);
    expect(hook?.finished).toContain('1/1000');
    expect(await hooks.start('smh_1', '1/501', noon)).toBeUndefined();
    expect((await hooks.start('smh_1', '1/500', noon))?.tasks).toEqual(new Set(['1/500']));
  });

  it('are not removed when another has started since the read', async () => {
    const read = await hooks.start('smh_1', '1/1', noon);
    if (!read) throw new Error('it did not start');
    await hooks.start('smh_1', '1/2', '2026-01-01T12:00:01.000Z');
    expect(await hooks.forgetTasks(read)).toBeUndefined();
    expect((await hooks.get('smh_1'))?.tasks.size).toBe(2);
  });

  it('keep the hook in the live index', async () => {
    await hooks.start('smh_1', '1/1', noon);
    expect(await hooks.rest('smh_1')).toBeUndefined();
    await hooks.finish('smh_1', '1/1');
    expect(await hooks.rest('smh_1')).toBeDefined();
  });
});
