/** `npm run demo`: prints a first line, then loads the rest, which takes seconds on a slow machine. */
import { enableCompileCache } from 'node:module';
import { Command } from 'commander';
import { compileCache } from '../../local/compile-cache.ts';

new Command('npm run demo')
  .description(
    'Starts the stack on one machine and shows how its runners wake for tasks and go back to sleep.',
  )
  .parse();
console.log(
  'Starting Reveille on this machine for the demo: synthesizing the CDK app when it has changed, then running its template…',
);
enableCompileCache(compileCache);
const { demo } = await import('./demo.ts');
try {
  process.exitCode = await demo();
} catch (error) {
  console.error(`The demo ends here: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
