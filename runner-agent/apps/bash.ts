/** Runs shell scripts. */
import { scriptApp } from './script.ts';

export const bash = scriptApp({
  program: 'bash',
  install: 'the package bash',
  inlineName: 'script.sh',
  meanings: { 126: 'a command in it cannot be executed', 127: 'a command in it was not found' },
});
