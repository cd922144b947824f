/** Encrypts all secrets under new data keys; an operator invokes it until it returns `ended: true`. */
import { randomBytes } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { newId } from '../adapters/ids.ts';
import { auditTrail, recordOperation } from '../adapters/people/audit.ts';
import { dataKeys } from '../adapters/secrets/data-keys.ts';
import { kmsKeyService } from '../adapters/secrets/kms-keys.ts';
import { makeVault } from '../adapters/secrets/secret-encryption.ts';
import { type RotationProgress, rotateSecrets } from '../adapters/secrets/secret-rotation.ts';
import { openTable } from '../adapters/table.ts';
import { readConfig, variables } from '../config.ts';
import { log, now } from '../wiring.ts';

const config = readConfig(
  variables.pick({ TABLE_NAME: true, SECRETS_KEY_ARN: true, AUDIT_RETENTION_DAYS: true }),
  process.env,
);
const table = openTable(config.TABLE_NAME);
const service = kmsKeyService(config.SECRETS_KEY_ARN);

const audit = auditTrail(table, { now, newId, retentionDays: config.AUDIT_RETENTION_DAYS });

/** Longer than one project's secrets take. */
const reserveMs = 60_000;

export const handler = async (_event: unknown, context: Context): Promise<RotationProgress> => {
  // Made for each invocation: data keys in the memory of an earlier one may be old.
  const own = dataKeys(table, { service, now, newId });
  const hasTime = () => context.getRemainingTimeInMillis() > reserveMs;
  const progress = await rotateSecrets({
    table,
    dataKeys: own,
    vault: makeVault(own),
    now,
    newId,
    randomBytes,
    reportFailed: (about) => log.error('A secret cannot be encrypted again', about),
    hasTime,
  });
  await recordOperation(audit, 'rotateSecrets', '/secrets', context.awsRequestId);
  log.info('Secrets are encrypted again', { ...progress });
  return progress;
};
