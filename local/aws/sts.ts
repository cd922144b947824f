/**
 * STS's stand-in: AssumeRole and GetCallerIdentity. A session policy may have 2,048 characters, as in STS.
 * The limit of STS on packed policies is missing here: AWS does not document the packing.
 */
import * as z from 'zod';
import type { Principals } from '../gateway/principals.ts';
import { type IdentityPolicy, parseIdentityPolicy } from '../iam/policy.ts';
import type { RoleSpec } from '../template/stack-spec.ts';
import { AwsError, type AwsService, escapeXml } from './call.ts';

const assumeRole = z.object({
  RoleArn: z.string(),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/),
  DurationSeconds: z.coerce.number().int().min(900).max(43_200).default(3600),
  Policy: z.string().min(1).max(2048).optional(),
});

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

const sessionPolicyIn = (text: string): IdentityPolicy => {
  try {
    return parseIdentityPolicy(JSON.parse(text));
  } catch (error) {
    throw new AwsError('MalformedPolicyDocument', `The session policy: ${error}`);
  }
};

const answer = (operation: string, result: string) => ({
  status: 200,
  headers: { 'content-type': 'text/xml' },
  body:
    `<${operation}Response xmlns="${namespace}"><${operation}Result>${result}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${crypto.randomUUID()}</RequestId></ResponseMetadata></${operation}Response>`,
});

export const makeSts =
  (roles: readonly RoleSpec[], principals: Principals, accountId: string, nowMs: () => number): AwsService =>
  async ({ operation, body, principal }) => {
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    if (operation === 'GetCallerIdentity') {
      return answer(
        operation,
        `<Arn>${escapeXml(principal.arn)}</Arn><UserId>${escapeXml(principal.name)}</UserId><Account>${accountId}</Account>`,
      );
    }
    if (operation !== 'AssumeRole') {
      throw new AwsError('InvalidAction', `The stack on one machine has no sts:${operation}.`);
    }
    const parsed = assumeRole.safeParse(form);
    if (!parsed.success) throw new AwsError('ValidationError', z.prettifyError(parsed.error));
    const { RoleArn, RoleSessionName, DurationSeconds, Policy } = parsed.data;
    const role = roles.find(({ arn }) => arn === RoleArn);
    if (!role) {
      throw new AwsError(
        'AccessDenied',
        `User: ${principal.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
        403,
      );
    }
    const expiresAtMs = nowMs() + DurationSeconds * 1000;
    const arn = `arn:aws:sts::${accountId}:assumed-role/${role.name}/${RoleSessionName}`;
    const credentials = principals.issue(
      {
        name: RoleSessionName,
        arn,
        role,
        sessionPolicy: Policy === undefined ? undefined : sessionPolicyIn(Policy),
      },
      expiresAtMs,
    );
    return answer(
      operation,
      `<Credentials><AccessKeyId>${credentials.accessKeyId}</AccessKeyId>` +
        `<SecretAccessKey>${escapeXml(credentials.secretAccessKey)}</SecretAccessKey>` +
        `<SessionToken>${escapeXml(credentials.sessionToken)}</SessionToken>` +
        `<Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials>` +
        `<AssumedRoleUser><Arn>${escapeXml(arn)}</Arn>` +
        `<AssumedRoleId>AROALOCAL:${escapeXml(RoleSessionName)}</AssumedRoleId></AssumedRoleUser>`,
    );
  };
