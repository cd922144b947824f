import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { aProjectId, aTaskId } from '../testing/builders.ts';
import { createResults, type Outcome } from './results.ts';

let workDir: string;
beforeEach(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'reveille-results-'));
});
afterEach(() => rm(workDir, { recursive: true }));

const anOutcome = (): Outcome => ({
  projectId: aProjectId(),
  taskId: aTaskId(),
  attempt: 2,
  result: { status: 'success', exitCode: 0 },
  chunks: 3,
  pending: [{ seq: 2, entries: [{ at: '2026-01-01T12:00:00.000Z', stream: 'stdout', text: 'end\n' }] }],
});

it('keeps results until they are removed, and drops incomplete ones', async () => {
  const results = createResults(workDir);
  expect(await results.load()).toEqual([]);
  const outcome = anOutcome();
  await results.save(outcome);
  await results.save({ ...outcome, chunks: 4 });
  await writeFile(join(workDir, 'results', 'cut.json'), '{"proj');
  await writeFile(join(workDir, 'results', 'whole.json.new'), JSON.stringify(outcome));
  expect(await createResults(workDir).load()).toEqual([{ ...outcome, chunks: 4 }]);
  await results.remove(outcome);
  expect(await readdir(join(workDir, 'results'))).toEqual([]);
});
