/** Runs git for a task, and keeps what git says: its words decide what to do and name the reason. */
import type { Call, TaskOutput, TaskPrograms } from './task-programs.ts';

export interface GitResult {
  code: number;
  /** Text of stdout, without space around it. */
  output: string;
  /** End of the text that git and its helpers wrote to stderr, in English. */
  messages: string;
}

/** The git program, with the environment of one place: the cache or the workspace. */
export interface Git {
  /** Also writes the output to the task's log. */
  run(args: string[]): Promise<GitResult>;
  /** Writes nothing to the log. */
  read(args: string[]): Promise<GitResult>;
  /** Writes messages of `read` to the log. */
  show(messages: string): Promise<void>;
}

export interface GitOptions extends Pick<Call, 'program' | 'cwd' | 'environment' | 'as'> {
  programs: TaskPrograms;
  output: TaskOutput;
}

/** Progress and hints of a server may be endless; git's last words name the failure. */
const maxMessages = 65_536;

export const createGit = ({ programs, output, program, cwd, environment, as }: GitOptions): Git => {
  const start = async (args: string[], log?: TaskOutput): Promise<GitResult> => {
    const said = { output: '', messages: '' };
    const to: TaskOutput = {
      write: async (stream, text) => {
        if (stream === 'stdout') said.output += text;
        else said.messages = (said.messages + text).slice(-maxMessages);
        await log?.write(stream, text);
      },
      end: async (stream) => log?.end(stream),
    };
    // No prompts, and messages that are not translated.
    const all = { ...environment, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
    const { code } = await programs.run({ program, args, cwd, environment: all, as }, to);
    return { code, output: said.output.trim(), messages: said.messages };
  };
  return {
    run: (args) => start(args, output),
    read: (args) => start(args),
    show: async (messages) => {
      if (messages === '') return;
      await output.write('stderr', messages);
      await output.end('stderr');
    },
  };
};
