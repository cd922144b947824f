import { expect, it } from 'vitest';
import { readTarget } from './audit.ts';

it("returns an event's target without the common beginning of the project's paths", () => {
  expect(readTarget('/api/projects/prj_1/templates/tpl_1')).toEqual({
    kind: 'templates',
    id: 'tpl_1',
    path: 'templates/tpl_1',
  });
  expect(readTarget('/api/projects/prj_1/runners/run_1/drain')).toMatchObject({
    kind: 'runners',
    id: 'run_1',
  });
  expect(readTarget('/api/projects/prj_1')).toEqual({
    kind: 'projects',
    id: 'prj_1',
    path: 'projects/prj_1',
  });
  expect(readTarget('/api/setup')).toEqual({ kind: 'setup', id: undefined, path: 'setup' });
});
