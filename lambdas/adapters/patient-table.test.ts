import { describe, expect, it } from 'vitest';
import { addMs } from '../../protocol/index.ts';
import { noon } from '../core/testing.ts';
import { patientTable } from './patient-table.ts';
import type { Table } from './table.ts';

/** Table that rejects a number of calls with that error; pauses alone move the clock. */
const refusing = (times: number, name: string) => {
  let calls = 0;
  let present = noon;
  const get = async () => {
    calls += 1;
    if (calls <= times) throw Object.assign(new Error('No room'), { name });
    return { pk: 'a', sk: 'b' };
  };
  const table = patientTable({ get } as Partial<Table> as Table, {
    now: () => present,
    pause: async (ms) => {
      present = addMs(present, ms);
    },
    forMs: 2000,
  });
  return { get: () => table.get({ pk: 'a', sk: 'b' }), calls: () => calls };
};

describe('patientTable', () => {
  it.each(['ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded'])(
    'retries after %s',
    async (name) => {
      const { get, calls } = refusing(4, name);
      expect(await get()).toEqual({ pk: 'a', sk: 'b' });
      expect(calls()).toBe(5);
    },
  );

  it('gives up within its time', async () => {
    const { get, calls } = refusing(100, 'ThrottlingException');
    await expect(get()).rejects.toThrow('No room');
    expect(calls()).toBe(6);
  });

  it('does not retry after another error', async () => {
    const { get, calls } = refusing(1, 'ValidationException');
    await expect(get()).rejects.toThrow('No room');
    expect(calls()).toBe(1);
  });
});
