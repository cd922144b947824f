/**
 * IAM's stand-in: checks every call of functions, of Lambda for a function, and of agents against the
 * template's roles.
 */
import { type AwsCall, AwsError } from '../aws/call.ts';
import type { Principal } from '../gateway/principals.ts';
import type { FunctionSpec, StackSpec } from '../template/stack-spec.ts';
import { type Authorizer, makeAuthorizer } from './authorizer.ts';
import { type Facts, type Need, needsOf } from './needs.ts';
import { recordUses } from './records.ts';

export interface IamOptions {
  readonly spec: Pick<StackSpec, 'roles' | 'place'> & Partial<Pick<StackSpec, 'kmsKeys'>>;
  readonly tagsOf: Facts['tagsOf'];
  readonly launchTemplateOf?: Facts['launchTemplateOf'];
  /** Folder for the records of used grants. @default no records */
  readonly recordsDir?: string;
  /** Reports a denied call. */
  readonly onDenied: (message: string) => void;
}

export interface Iam {
  /** Throws AWS's error when the caller may not make this call. */
  authorize(call: AwsCall): void;
  /**
   * Checks the calls that Lambda makes around each invocation with the function's role. As in Lambda, a
   * denial does not stop the invocation.
   */
  noteInvocation(principal: Principal, fn: FunctionSpec): void;
  /** Throws AWS's error when the principal lacks a permission. */
  check(principal: Principal, needs: readonly Need[]): void;
  readonly checkTrust: Authorizer['checkTrust'];
  /** Throws when Lambda would refuse to poll the queue with this role. */
  checkEventSource(principal: Principal, queueArn: string): void;
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
    roles: spec.roles,
    kmsKeys: spec.kmsKeys,
    onUse: recordsDir === undefined ? () => {} : recordUses(recordsDir),
  });
  const check = (principal: Principal, needs: readonly Need[]): void => {
    try {
      authorizer.check(principal, needs);
    } catch (error) {
      if (error instanceof AwsError) onDenied(error.message);
      throw error;
    }
  };
  return {
    check,
    checkTrust: authorizer.checkTrust,
    authorize: (call) => check(call.principal, needsOf(call, { accountId, tagsOf, launchTemplateOf })),
    noteInvocation: (principal, fn) => {
      try {
        check(principal, invocationNeeds(fn, spec));
      } catch (error) {
        if (!(error instanceof AwsError)) onDenied(String(error));
      }
    },
    checkEventSource: (principal, queueArn) =>
      check(
        principal,
        pollerActions.map((action) => ({ action, resource: queueArn })),
      ),
  };
};
