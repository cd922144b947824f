/** Apps that pass a script to an interpreter: bash, python, powershell. */
import type { App } from './app.ts';
import { answersAsEnvironment } from './survey.ts';

interface Interpreter extends Pick<App, 'program' | 'install' | 'inlineName'> {
  /** Flags before the script. */
  flags?: string[];
  environment?: Record<string, string>;
  /** Exit codes with a meaning for the interpreter or its system. */
  meanings?: Record<number, string>;
}

const common: Record<number, string> = {
  137: 'it was killed (SIGKILL), perhaps because the machine ran out of memory',
};

export const scriptApp = ({ flags = [], environment = {}, meanings = {}, ...app }: Interpreter): App => ({
  ...app,
  prepare: async ({ payload, script }) => ({
    environment,
    answers: answersAsEnvironment(payload),
    steps: [{ args: [...flags, script, ...payload.arguments] }],
  }),
  explain: (exitCode) => {
    const meaning = meanings[exitCode] ?? common[exitCode];
    return `The script ended with exit code ${exitCode}${meaning ? `: ${meaning}` : ''}`;
  },
});
