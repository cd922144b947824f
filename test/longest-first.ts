/**
 * Order of the test files: files that wait for machines start first, and short files fill the remaining time.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take over a minute on two cores. On a new machine, Vitest itself sorts by file size. */
const longest = [
  'e2e/fleets',
  'e2e/killed-stack',
  'e2e/integrations',
  'e2e/permissions',
  'launch/launch-options',
  'e2e/cli',
  'e2e/lost-queues',
].map((name) => `/test/${name}.test.ts`);

const rankOf = ({ moduleId, project }: TestSpecification): number => {
  const rank = longest.findIndex((path) => moduleId.endsWith(path));
  if (rank >= 0) return rank;
  return ['together', 'alone', 'unit'].indexOf(project.name) + longest.length;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
