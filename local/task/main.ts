/** `npm run task -- tsk_…`: prints all that the local stack knows of one task. */
import { Command, InvalidArgumentError } from 'commander';
import { readOperator } from '../operator-file.ts';
import { reportTask } from './report.ts';

const taskId = (text: string): string => {
  if (!/^tsk_[0-9A-HJKMNP-TV-Z]{26}$/.test(text))
    throw new InvalidArgumentError('It must be the id of a task: tsk_ and 26 characters.');
  return text;
};

/** True if nothing listens at the endpoint: the stack was killed and left its file. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';

const print = async (id: string, { data }: { data: string }): Promise<void> => {
  const noStack = `No stack runs with the data folder ${data}: start it with "npm start", or name its folder with --data.`;
  const operator = readOperator(data);
  if (!operator) return program.error(`error: ${noStack}`);
  try {
    const report = await reportTask(operator, data, id);
    if (report === undefined)
      return program.error(
        `error: The stack in ${data} has no task ${id}: its id is in the address of its page in the console.`,
      );
    console.log(report);
  } catch (error) {
    if (!isGone(error)) throw error;
    program.error(`error: ${noStack}`);
  }
};

const program = new Command('npm run task --')
  .description(
    'Prints all that the local stack knows of one task: its item, its runner, its webhook deliveries, its queue, and the log lines that name it.',
  )
  .argument('<task>', 'its id, tsk_…', taskId)
  .option('-d, --data <folder>', 'data folder of the running stack', '.reveille')
  .action(print);
await program.parseAsync();
