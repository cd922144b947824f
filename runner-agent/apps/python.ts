/** Runs Python scripts. */
import { scriptApp } from './script.ts';

export const python = scriptApp({
  program: 'python3',
  install: 'the package python3',
  inlineName: 'script.py',
  environment: { PYTHONUNBUFFERED: '1' },
});
