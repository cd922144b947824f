import { describe, expect, it } from 'vitest';
import { toInstant } from '../../protocol/index.ts';
import { idsBetween, newId } from './ids.ts';

describe('idsBetween', () => {
  it('bounds the ids that were made in a window', () => {
    const at = toInstant(1_700_000_000_000);
    const id = newId('tsk', at);
    const { from, to } = idsBetween('tsk', at, at);
    expect(from <= id && id <= to).toBe(true);
  });

  it('replaces a moment that no id can have, such as one before 1970, by the nearest possible', () => {
    const { from, to } = idsBetween('tsk', '0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z');
    const id = newId('tsk', toInstant(1));
    expect(from <= id && id <= to).toBe(true);
  });
});
