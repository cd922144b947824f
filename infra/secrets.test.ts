import { expect, test } from 'vitest';
import * as z from 'zod';
import { resourcesOf, synthesize } from './testing/template.ts';

const template = synthesize();
const policy = z.object({
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({ Action: z.union([z.string(), z.array(z.string())]), Condition: z.unknown().optional() }),
    ),
  }),
});
const uses = resourcesOf(template, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) =>
  policy
    .parse(Properties)
    .PolicyDocument.Statement.filter(({ Action }) =>
      [Action].flat().some((action) => action.startsWith('kms:')),
    )
    .map(({ Action, Condition }) => ({ id: id.replace(/RoleDefaultPolicy.*/, ''), Action, Condition })),
);

test('allows data keys to the API and the rotation only, and reading to functions with secrets only', () => {
  const may = Object.fromEntries(uses.map(({ id, Action }) => [id, Action]));
  expect(may).toEqual({
    Api: ['kms:Decrypt', 'kms:GenerateDataKey'],
    RotateSecrets: ['kms:Decrypt', 'kms:GenerateDataKey'],
    TaskStart: 'kms:Decrypt',
    TaskFinish: 'kms:Decrypt',
    InstanceEvents: 'kms:Decrypt',
    WebhookRetry: 'kms:Decrypt',
    Reconcile: 'kms:Decrypt',
    ScheduledStart: 'kms:Decrypt',
    IntegrationEvents: 'kms:Decrypt',
  });
});

test('requires one project, and nothing else, in the context of each use', () => {
  for (const { Condition } of uses) {
    const context = { 'kms:EncryptionContextKeys': ['projectId'] };
    expect(Condition).toEqual({ 'ForAllValues:StringEquals': context, 'ForAnyValue:StringEquals': context });
  }
});
