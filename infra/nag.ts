/** cdk-nag's AwsSolutions rules over all stacks, and the reasons for our exceptions. */
import { type App, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Settings } from './settings.ts';

/**
 * A rule, or one of its findings in brackets, and the reason why it does not apply, here and wherever it
 * occurs again.
 */
export interface Acknowledged {
  readonly id: string;
  readonly reason: string;
}

const sqsArn = (name: string) => `arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${name}`;
const oneOf = (finding: string) => `AwsSolutions-IAM5[Resource::${finding}]`;

/** Returns the acknowledged rules. A test checks each line: the rule must occur, and no other may. */
export const acknowledgedOf = ({ prefix }: Pick<Settings, 'prefix'>): readonly Acknowledged[] => [
  {
    id: 'AwsSolutions-APIG4',
    reason:
      'The functions authorize: people by cookie or token against lambdas/core/people/permissions.ts, agents by session, webhooks by ' +
      'signature. API Gateway knows none of these.',
  },
  {
    id: oneOf(sqsArn(`${prefix}prj_*`)),
    reason: 'The queues of projects and tags are made at run time. The prefix is this stack only.',
  },
  {
    id: oneOf(sqsArn(`${prefix}global*`)),
    reason:
      'The queue of the global pool and those of global runners are made at run time. The prefix is this stack only.',
  },
  {
    id: oneOf('arn:<AWS::Partition>:ec2:*:<AWS::AccountId>:instance/*'),
    reason:
      'Runners are bound to instances at run time, in any region. A condition narrows it to instances with the tag of the stack.',
  },
  {
    id: oneOf(
      `arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/${prefix}schedules/sch_*`,
    ),
    reason: 'Schedules are made at run time. The group is of this stack only.',
  },
  {
    id: oneOf('<ConsoleFiles9387DBDB.Arn>/*'),
    reason:
      "The function that publishes the console writes all of the console's bucket, and that bucket only.",
  },
  {
    id: 'AwsSolutions-KMS5',
    reason:
      'KMS charges 1 USD a month for each version that its rotation keeps. The key only wraps data keys, and these are renewed by ' +
      'the function rotate-secrets.',
  },
  {
    id: 'AwsSolutions-S1',
    reason:
      "The console's bucket holds public files that only CloudFront reads; a log of that would cost and tell nothing.",
  },
  {
    id: 'AwsSolutions-CFR1',
    reason:
      'Which countries may reach a stack is for its operator to say; Reveille knows no reason to refuse any.',
  },
  {
    id: 'AwsSolutions-CFR2',
    reason:
      'A firewall (WAF) costs over 5 USD a month, more than all else. The API has limits of its own, on requests and on guessing.',
  },
  {
    id: 'AwsSolutions-CFR3',
    reason:
      'What passes CloudFront to the API is in the access log of the API; the rest are public files of the console.',
  },
  {
    id: 'AwsSolutions-CFR4',
    reason:
      "TLS below 1.2 is refused only under a domain name of one's own: CloudFront sets the versions of its own certificate.",
  },
  {
    id: oneOf('*'),
    reason:
      'Actions that know no resources: ec2:DescribeInstances, ec2:DescribeInstanceStatus, ec2:DescribeSubnets, pricing:GetProducts, the traces that Lambda ' +
      'sends, and what lets operators into an instance by Session Manager and Run Command.',
  },
];

const ec2Arn = (resource: string, account = '<AWS::AccountId>') =>
  `arn:<AWS::Partition>:ec2:*:${account}:${resource}/*`;

/** Acknowledged rules that occur only with fleets. */
export const acknowledgedForFleets: readonly Acknowledged[] = [
  ...['launch-template', 'fleet', 'volume', 'network-interface', 'security-group'].map((resource) => ({
    id: oneOf(ec2Arn(resource)),
    reason:
      'Instances are launched at run time, in the regions of the fleets. Conditions narrow it to those regions, to launch templates and ' +
      'security groups with the tag of the stack, and to what gets that tag.',
  })),
  ...[ec2Arn('image', ''), ec2Arn('subnet'), ec2Arn('spot-instances-request')].map((arn) => ({
    id: oneOf(arn),
    reason:
      "Only in the regions of the fleets and from the stack's launch templates. Images are Amazon's or named, but for those of an " +
      "operator's own parameter; of subnets EC2 takes those of the security group's VPC; a spot request is of such an instance.",
  })),
  {
    id: 'AwsSolutions-VPC7',
    reason:
      'Flow logs of runners cost by the gigabyte of what tasks transfer. Whoever needs them gives fleets a VPC that has them.',
  },
];

/** Fails every synthesis of the app on a finding that is not acknowledged. */
export const addNag = (app: App, acknowledged: readonly Acknowledged[]): void => {
  const validations = Validations.of(app);
  validations.addPlugins(new AwsSolutionsChecks(app));
  for (const one of acknowledged) validations.acknowledge(one);
};
