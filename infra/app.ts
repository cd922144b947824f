/**
 * The CDK app: bundles the code, and synthesizes the templates of the control plane and of each fleet region.
 */
import { join } from 'node:path';
import { App } from 'aws-cdk-lib/core';
import { VALIDATE_AGAINST_DEFAULT_RULES } from 'aws-cdk-lib/cx-api';
import * as z from 'zod';
import { bundle } from './bundle.ts';
import { addFleetStacks } from './fleet-stack.ts';
import { readFleets } from './fleets.ts';
import { readSettings } from './settings.ts';
import { ReveilleStack } from './stack.ts';

const environment = z.object({
  CDK_CLI_VERSION: z
    .string()
    .optional()
    .describe("Set by CDK's command line, which also passes CDK_OUTDIR on"),
  CDK_DEFAULT_REGION: z
    .string()
    .default('us-east-1')
    .describe(
      "Where the control plane is deployed; set by CDK's command line, by default to what it takes itself",
    ),
});
const { CDK_CLI_VERSION, CDK_DEFAULT_REGION } = environment.parse(process.env);

const root = join(import.meta.dirname, '..');

const app = new App({
  analyticsReporting: false,
  // The template checks take as long as the rest; `npm start` runs this file directly and skips them.
  builtinCloudFormationValidation: CDK_CLI_VERSION !== undefined,
  context: { [VALIDATE_AGAINST_DEFAULT_RULES]: true },
});
const settings = readSettings(app.node);
if (CDK_CLI_VERSION !== undefined) {
  const { acknowledgedForFleets, acknowledgedOf, addNag } = await import('./nag.ts');
  addNag(app, [...acknowledgedOf(settings), ...acknowledgedForFleets]);
}
const fleets = settings.semaphoreOnly ? [] : readFleets(app.node);
const bundles = await bundle(root);
new ReveilleStack(app, { settings, fleets, bundles, root });
addFleetStacks(app, fleets, {
  stackName: settings.stackName,
  controlPlaneRegion: CDK_DEFAULT_REGION,
  agentFile: bundles.agentFile,
  root,
});
app.synth();
