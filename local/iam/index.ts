/** IAM's stand-in: every call of a function, of Lambda on its behalf, and of an agent is checked against the template's roles. */
import { type AwsCall, AwsError } from '../aws/call.ts';
import type { Principal } from '../gateway/principals.ts';
import type { FunctionSpec, RoleSpec, StackSpec } from '../template/stack-spec.ts';
import { makeAuthorizer } from './authorizer.ts';
import { type Facts, type Need, needsOf } from './needs.ts';
import { recordUses } from './records.ts';
import { judge } from './simulator.ts';

export interface IamOptions {
  readonly spec: Pick<StackSpec, 'roles' | 'place'> & Partial<Pick<StackSpec, 'kmsKeys'>>;
  readonly tagsOf: Facts['tagsOf'];
  readonly launchTemplateOf?: Facts['launchTemplateOf'];
  /** Where the uses of grants are recorded. @default nowhere */
  readonly recordsDir?: string | undefined;
  /** Told of what was denied. */
  readonly onDenied: (message: string) => void;
}

export interface Iam {
  /** Throws AWS's error when the caller of this call may not do it. */
  authorize(call: AwsCall): Promise<void>;
  /** What Lambda does with the function's role around each invocation. As in Lambda, the invocation goes on without it. */
  noteInvocation(principal: Principal, fn: FunctionSpec): void;
  /** Throws AWS's error when the principal lacks a permission. */
  check(principal: Principal, needs: readonly Need[]): Promise<void>;
  /** Whether the role lets an AWS service take it on. */
  checkTrust(role: RoleSpec, service: string, context: Readonly<Record<string, string>>): Promise<boolean>;
  /** Throws when Lambda would refuse to work off the queue with this role. */
  checkEventSource(principal: Principal, queueArn: string): Promise<void>;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions */
const pollerActions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

const invocationNeeds = ({ logGroup, traced }: FunctionSpec, { place }: IamOptions['spec']): Need[] => {
  const stream = `arn:aws:logs:${place.region}:${place.accountId}:log-group:${logGroup}:log-stream:local`;
  const logs = logGroup === undefined ? [] : ['logs:CreateLogStream', 'logs:PutLogEvents'];
  const traces = traced ? ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'] : [];
  return [
    ...logs.map((action) => ({ action, resource: stream })),
    ...traces.map((action) => ({ action, resource: '*' })),
  ];
};

export const makeIam = ({ spec, tagsOf, launchTemplateOf, recordsDir, onDenied }: IamOptions): Iam => {
  const { accountId } = spec.place;
  const authorizer = makeAuthorizer({
    accountId,
    roles: spec.roles,
    ...(spec.kmsKeys && { kmsKeys: spec.kmsKeys }),
    onUse: recordsDir === undefined ? () => {} : recordUses(recordsDir),
  });
  const check = async (principal: Principal, needs: readonly Need[]): Promise<void> => {
    try {
      await authorizer.check(principal, needs);
    } catch (error) {
      if (error instanceof AwsError) onDenied(error.message);
      throw error;
    }
  };
  return {
    check,
    checkTrust: async ({ arn, trust }, service, context) => {
      const question = { principalArn: service, accountId, action: 'sts:AssumeRole', resource: arn, context };
      return (await judge({ ...question, policies: [], resourcePolicy: trust })).allowed;
    },
    authorize: (call) =>
      check(
        call.principal,
        needsOf(call, { accountId, tagsOf, ...(launchTemplateOf && { launchTemplateOf }) }),
      ),
    noteInvocation: (principal, fn) => {
      check(principal, invocationNeeds(fn, spec)).catch((error: unknown) => {
        if (!(error instanceof AwsError)) onDenied(String(error));
      });
    },
    checkEventSource: (principal, queueArn) =>
      check(
        principal,
        pollerActions.map((action) => ({ action, resource: queueArn })),
      ),
  };
};
