/** Compares the users that an installation makes with those that the agent looks for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { poolNames } from '../process/users.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

describe('an installation', () => {
  it('makes each user that the agent looks for', () => {
    const made = [...read('reveille.conf').matchAll(/^u (\S+) /gm)].map(([, name]) => name);
    expect(made).toEqual([...poolNames('task'), ...poolNames('cache')]);
  });
});
