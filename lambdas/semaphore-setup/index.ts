/** Makes, rotates, lists and removes secret URLs for Semaphore, for callers with AWS credentials. */
import { randomBytes } from 'node:crypto';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { tagsOf } from '../adapters/fleets/launches.ts';
import { newId } from '../adapters/ids.ts';
import { auditTrail, recordOperation } from '../adapters/people/audit.ts';
import { ec2Instances } from '../adapters/runners/instances.ts';
import { formatToken, hashSecret, makeSecret } from '../adapters/runners/registration-tokens.ts';
import {
  type SemaphoreHook,
  type SemaphoreHookInput,
  semaphoreHookInput,
  semaphoreHooks,
} from '../adapters/webhooks/semaphore-hooks.ts';
import { readConfig, variables } from '../config.ts';
import { now, openPlainTable } from '../wiring.ts';

const config = readConfig(
  variables.pick({
    TABLE_NAME: true,
    API_URL: true,
    STACK_NAME: true,
    AUDIT_RETENTION_DAYS: true,
    AWS_REGION: true,
  }),
  process.env,
);
const table = openPlainTable(config.TABLE_NAME);
const instances = ec2Instances();
const hooks = semaphoreHooks(table);
const audit = auditTrail(table, { now, newId, retentionDays: config.AUDIT_RETENTION_DAYS });

const request = z.discriminatedUnion('action', [
  semaphoreHookInput.extend({ action: z.literal('create') }),
  z.object({ action: z.enum(['rotate', 'remove']), id: z.string() }),
  z.object({ action: z.literal('list') }),
]);

const shown = ({ id, instanceId, region, maxHours, tasks }: SemaphoreHook) => ({
  id,
  instanceId,
  region,
  maxHours,
  tasks: [...tasks],
});

const urlOf = (id: string, secret: string) => ({
  id,
  url: `${config.API_URL}/webhooks/semaphore?token=${formatToken(id, secret)}`,
  message: 'The URL is secret, and shown only now.',
});

/** Otherwise the first task would find the fault, and fail in Semaphore. */
const checkInstance = async (input: SemaphoreHookInput): Promise<void> => {
  const found = await instances.describe(input);
  if (!found || found.state === 'terminated' || found.state === 'shutting-down') {
    throw new Error(
      `EC2 has no instance ${input.instanceId} in ${input.region ?? config.AWS_REGION}. Give another "instanceId" or "region".`,
    );
  }
  if (found.stack !== config.STACK_NAME) {
    throw new Error(
      `The stack may not start ${input.instanceId}. Tag the instance ${tagsOf.stack} = ${config.STACK_NAME}.`,
    );
  }
};

const unknown = (id: string) => new Error(`There is no ${id}. Invoke with {"action": "list"} to see all.`);

export const handler = async (event: unknown, { awsRequestId }: Context) => {
  const asked = request.parse(event);
  const secret = makeSecret(randomBytes);
  const record = (id: string) =>
    recordOperation(audit, `${asked.action}SemaphoreUrl`, `/webhooks/semaphore/${id}`, awsRequestId);
  switch (asked.action) {
    case 'create': {
      const { action: _, ...input } = asked;
      await checkInstance(input);
      const id = newId('smh');
      await hooks.create(id, input, hashSecret(secret));
      await record(id);
      return urlOf(id, secret);
    }
    case 'rotate':
      if (!(await hooks.rotate(asked.id, hashSecret(secret)))) throw unknown(asked.id);
      await record(asked.id);
      return urlOf(asked.id, secret);
    case 'remove':
      if (!(await hooks.remove(asked.id))) throw unknown(asked.id);
      await record(asked.id);
      return { id: asked.id };
    case 'list':
      return { items: (await hooks.list()).map(shown) };
  }
};
