/** The order of the test files: what waits for machines begins first, and the many short files fill the time that is left. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take over a minute on two cores. Vitest itself goes by their sizes on a new machine. */
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
  return ['whole', 'parts', 'unit'].indexOf(project.name) + longest.length;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
