/**
 * Synthesized templates for tests: the real stack over folders with one line of code, which needs no build.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib/core';
import * as z from 'zod';
import { functionNamesIn } from '../bundle.ts';
import { addFleetStacks } from '../fleet-stack.ts';
import { readFleets } from '../fleets.ts';
import { readSettings } from '../settings.ts';
import { ReveilleStack } from '../stack.ts';

const resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
export const templateSchema = z.object({
  Description: z.string().optional(),
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.unknown()).default({}),
  Parameters: z.record(z.string(), z.unknown()).default({}),
});
export type Template = z.infer<typeof templateSchema>;
export type Resource = z.infer<typeof resource>;

/** Region of the control plane in these templates. */
export const controlPlaneRegion = 'us-east-1';

/** Synthesizes the stack with these settings in the context; `prepare` gets the empty app. */
export const synthesize = (
  context: Readonly<Record<string, unknown>> = {},
  prepare?: (app: App) => void,
): Template => {
  const { stackName = 'Reveille' } = z.object({ stackName: z.string().optional() }).parse(context);
  const template = synthesizeAll(context, prepare)[stackName];
  if (!template) throw new Error(`There is no stack ${stackName}.`);
  return template;
};

type Templates = Readonly<Record<string, Template>>;

/** Templates by context, for all files of a worker: many ask for the same. */
const known = new Map<string, Templates>();

/**
 * Synthesizes all stacks; returns their templates by name: the control plane's, and one for each region with
 * fleets.
 */
export const synthesizeAll = (
  context: Readonly<Record<string, unknown>> = {},
  prepare?: (app: App) => void,
): Templates => {
  if (prepare) return synthesizeNow(context, prepare);
  const key = JSON.stringify(context);
  const templates = known.get(key) ?? synthesizeNow(context);
  known.set(key, templates);
  return templates;
};

const synthesizeNow = (
  context: Readonly<Record<string, unknown>>,
  prepare?: (app: App) => void,
): Templates => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-infra-'));
  try {
    const root = join(import.meta.dirname, '../..');
    const folderOf = (name: string) => join(folder, name);
    const agentFile = join(folder, 'agent/reveille-runner.mjs');
    const consoleFolder = join(folder, 'console');
    const files = [
      ...functionNamesIn(root).map((name) => join(folderOf(name), 'index.mjs')),
      agentFile,
      join(consoleFolder, 'index.html'),
    ];
    for (const file of files) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `// ${file.slice(folder.length)}\n`);
    }
    const app = new App({
      outdir: join(folder, 'out'),
      analyticsReporting: false,
      builtinCloudFormationValidation: false,
      context,
    });
    prepare?.(app);
    const settings = readSettings(app.node);
    const fleets = readFleets(app.node);
    new ReveilleStack(app, { settings, fleets, bundles: { folderOf, agentFile, consoleFolder }, root });
    const { stackName } = settings;
    addFleetStacks(app, fleets, { stackName, controlPlaneRegion, agentFile, root });
    return Object.fromEntries(
      app.synth().stacks.map(({ stackName, template }) => [stackName, templateSchema.parse(template)]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Returns the resources of a type, by logical id. */
export const resourcesOf = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);
