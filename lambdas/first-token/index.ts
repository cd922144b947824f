/**
 * Makes the first admin token of a new stack, for callers with AWS credentials. Works once, or again with
 * `{"again": true}`, to replace a lost token.
 */

import { randomBytes } from 'node:crypto';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { pathOf } from '../../protocol/endpoints/call.ts';
import { revokeAdminToken } from '../../protocol/endpoints/people.ts';
import { newId } from '../adapters/ids.ts';
import { apiTokenStore } from '../adapters/people/api-tokens.ts';
import { auditTrail, recordOperation } from '../adapters/people/audit.ts';
import { keys } from '../adapters/table.ts';
import { readConfig, variables } from '../config.ts';
import { now, openPlainTable } from '../wiring.ts';

const config = readConfig(variables.pick({ TABLE_NAME: true, AUDIT_RETENTION_DAYS: true }), process.env);
const table = openPlainTable(config.TABLE_NAME);
const tokens = apiTokenStore(table, { now, newId, randomBytes });
const audit = auditTrail(table, { now, newId, retentionDays: config.AUDIT_RETENTION_DAYS });

const request = z.object({ again: z.boolean().default(false) });

export const handler = async (
  event: unknown,
  { awsRequestId }: Context,
): Promise<{ token?: string; message: string }> => {
  const { again } = request.parse(event ?? {});
  const isFirst = await table.put({ ...keys.firstToken(), madeAt: now() }, [['missing', 'pk']]);
  if (!isFirst && !again) {
    return { message: 'The first token was made before. Invoke with {"again": true} for another one.' };
  }
  const { id, token } = await tokens.create({ name: 'first token' });
  await recordOperation(audit, 'makeFirstToken', pathOf(revokeAdminToken, { apiTokenId: id }), awsRequestId);
  return { token, message: 'An admin token. It is shown only now.' };
};
