/** Entry of the agent `reveille-runner`. */
import { version } from '../protocol/version.ts';
import { createCli } from './commands/cli.ts';
import { agentEnvironment, parseGiven } from './config.ts';
import { ConfigError, InstanceReclaimed, messageOf, RunnerRefused } from './errors.ts';
import { createHttpTransport } from './http-transport.ts';

/**
 * Exit codes. 77 and 78 are as in sysexits.h, so that a service manager knows what a restart would not fix.
 */
const exitCodes = { failed: 1, refused: 77, config: 78, reclaimed: 79 };

const exitCodeOf = (error: unknown) => {
  if (error instanceof RunnerRefused) return exitCodes.refused;
  if (error instanceof InstanceReclaimed) return exitCodes.reclaimed;
  return error instanceof ConfigError ? exitCodes.config : exitCodes.failed;
};

try {
  const env = parseGiven(agentEnvironment, process.env, 'Environment');
  const cli = createCli({ version, env, process, transport: createHttpTransport() });
  await cli.parseAsync(process.argv);
  process.exit(0);
} catch (error) {
  process.stderr.write(`reveille-runner: ${messageOf(error)}\n`);
  process.exit(exitCodeOf(error));
}
