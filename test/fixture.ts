/**
 * The stack that end-to-end tests share. Each worker of Vitest starts one, and stops it when the worker ends:
 * to start a stack and to load its functions takes longer than most tests. Each file makes its own project,
 * and none changes what other files may see.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it as base } from 'vitest';
import { type LocalStack, type LocalStackOptions, startStack } from '../local/stack.ts';
import type { Context } from '../local/template/synth.ts';
import { apiClient, type Client } from './client.ts';
import { templatesOf } from './templates.ts';

/** Value of `reveille:stack` for an instance that the stack may not touch. */
export const otherStack = 'Other';

/** Context of a stack for one file. It has no console: to publish that takes longer than all else. */
export const ownContext: Context = { console: false };

export interface TestStack {
  readonly stack: LocalStack;
  readonly dataDir: string;
  readonly api: Client;
  /** Returns all log lines so far, each as `source: line`. */
  readonly said: () => readonly string[];
}

type Options = Omit<LocalStackOptions, 'dataDir' | 'templateDir' | 'log'>;

/** Starts a stack in a new folder; both are gone after the clean-up. */
const openStack = async (
  onCleanup: (cleanUp: () => Promise<void>) => void,
  { context, ...options }: Options,
): Promise<TestStack> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-test-'));
  const said: string[] = [];
  let stack: LocalStack | undefined;
  onCleanup(async () => {
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  stack = await startStack({
    dataDir,
    templateDir: await templatesOf(context),
    log: (source, line) => said.push(`${source}: ${line}`),
    ...options,
  });
  return { stack, api: apiClient(stack.url, stack.adminToken ?? ''), said: () => said, dataDir };
};

/** Returns `it` for a file that needs a stack of its own: the fixture `own`, also for hooks. */
export const itOnOwnStack = (options: Options = {}) =>
  base.extend(
    'own',
    { scope: 'file' },
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the used fixtures from the pattern.
    ({}, { onCleanup }): Promise<TestStack> => openStack(onCleanup, { context: ownContext, ...options }),
  );

/**
 * Vitest's `it` with fixtures, also for hooks: `it.beforeAll(async ({ shared, said }) => …)`.
 * `shared` is the stack; `said` returns its log lines since the file first used it; `denials` returns the
 * lines about permissions that IAM denied, except those about instances of other stacks.
 */
export const it = base
  .extend(
    'shared',
    { scope: 'worker' },
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the used fixtures from the pattern.
    ({}, { onCleanup }): Promise<TestStack> =>
      openStack(onCleanup, { schedules: false, asyncRetryDelaysMs: [100, 100] }),
  )
  .extend('said', { scope: 'file' }, ({ shared }) => {
    const linesBefore = shared.said().length;
    return () => shared.said().slice(linesBefore);
  })
  .extend('denials', { scope: 'file' }, ({ shared, said }) => () => {
    const foreign = shared.stack.ec2.list().filter(({ tags }) => tags['reveille:stack'] === otherStack);
    return said().filter(
      (line) => line.includes('is not authorized to perform') && !foreign.some(({ id }) => line.includes(id)),
    );
  });
