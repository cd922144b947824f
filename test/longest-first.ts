/**
 * Order of the test files: files that wait for machines start first, and short files fill the remaining time.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take over a minute on two cores. On a new machine, Vitest itself sorts by file size. */
const longest = [
  'fleets',
  'permissions',
  'killed-stack',
  'integrations',
  'schedules',
  'two-tasks',
  'trip',
  'cli',
].map((name) => `/test/e2e/${name}.test.ts`);

const rankOf = ({ moduleId, project }: TestSpecification): number => {
  const rank = longest.findIndex((path) => moduleId.endsWith(path));
  if (rank >= 0) return rank;
  return ['together', 'whole', 'parts', 'unit'].indexOf(project.name) + longest.length;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
