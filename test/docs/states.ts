/** `npm run docs:states`: draws docs/contributing/states.md from the state tables in lambdas/core. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runnerTransitions } from '../../lambdas/core/runners/runner-state.ts';
import { taskTransitions } from '../../lambdas/core/tasks/task-state.ts';

interface Row {
  readonly from: readonly string[];
  readonly event: string;
  readonly when?: string;
  readonly to: string;
}

const words = (name: string): string => name.replaceAll('_', ' ');

const drawing = (rows: readonly Row[]): string =>
  [
    '```mermaid',
    'stateDiagram-v2',
    ...rows.flatMap(({ from, event, when, to }) =>
      from
        .filter((status) => status !== to)
        .map((status) => `    ${status} --> ${to}: ${words(event)}${when ? ` [${words(when)}]` : ''}`),
    ),
    '```',
  ].join('\n');

/** Returns the whole page. */
export const statesPage = (): string => `# States

Drawn from the tables in \`lambdas/core\` by \`npm run docs:states\`; a test compares. Every change of a status is one
conditional write, which asks for the status that the event may come from.

## A task

\`waiting\` until a runner claims it, \`starting\` until its first output, \`stopping\` when a user wants it ended.

${drawing(taskTransitions)}

## A runner

\`offline\` is a runner without an instance of the stack's whose agent is not there; \`stopped\` one whose instance sleeps.
Events that leave the status as it is are not drawn.

A drain is no status but a fact about the agent that runs: **asked** by a person or because EC2 wants the instance back
(\`drainRequestedAt\`), or **announced** by an agent that shuts down (\`drainAnnouncedAt\`). Both count while the runner is \`online\` or
\`draining\`, and end with \`stopped\` and \`starting\`.

${drawing(runnerTransitions)}
`;

export const statesFile = join(import.meta.dirname, '..', '..', 'docs', 'contributing', 'states.md');

if (import.meta.main) writeFileSync(statesFile, statesPage());
