/** Apps that pass a script to an interpreter. */
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

const scriptApp = ({ flags = [], environment = {}, meanings = {}, ...app }: Interpreter): App => ({
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

export const scripts = {
  bash: scriptApp({
    program: 'bash',
    install: 'the package bash',
    inlineName: 'script.sh',
    meanings: { 126: 'a command in it cannot be executed', 127: 'a command in it was not found' },
  }),
  python: scriptApp({
    program: 'python3',
    install: 'the package python3',
    inlineName: 'script.py',
    environment: { PYTHONUNBUFFERED: '1' },
  }),
  powershell: scriptApp({
    program: 'pwsh',
    install: 'PowerShell (https://learn.microsoft.com/powershell/scripting/install, the package powershell)',
    inlineName: 'script.ps1',
    flags: ['-NoLogo', '-NoProfile', '-NonInteractive', '-File'],
    environment: { POWERSHELL_TELEMETRY_OPTOUT: '1', POWERSHELL_UPDATECHECK: 'Off' },
  }),
};
