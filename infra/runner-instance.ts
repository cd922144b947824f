/**
 * Launch resources of runner instances, for operators and fleets: a launch template, its role and its
 * security group.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnLaunchTemplate, CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Arn, Fn, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { allow } from './grants.ts';
import { runnerUserData } from './runner-user-data.ts';

export interface RunnerInstanceProps {
  /** Instance type of the architecture. */
  readonly instanceType: string;
  /** @default arm64 */
  readonly architecture?: 'arm64' | 'x86_64';
  /**
   * `ami-…`, or the name of an SSM parameter, resolved at each launch. @default the newest Amazon Linux 2023
   */
  readonly ami?: string;
  /**
   * Fleet whose instances enrol by themselves. Its launch template and its role have the name. @default an
   * operator launches
   */
  readonly fleet?: { readonly name: string; readonly hibernates: boolean; readonly terminates: boolean };
  /** @default 10 */
  readonly volumeGiB?: number;
  /**
   * Tags of instances and volumes: the one by which the stack knows them, and others. @default `Name` only:
   * reveille-runner
   */
  readonly tags: Readonly<Record<string, string>>;
  /** Lets tasks use the role of the instance. @default false */
  readonly tasksUseRole?: boolean;
  /** Bash script that runs after the agent is installed. @default none */
  readonly script?: string;
  /** VPC of the security group. @default the default VPC */
  readonly vpcId?: string;
  /** The agent's bundle. */
  readonly agentFile: string;
  /** Folder with the agent's systemd units. */
  readonly unitFolder: string;
}

/**
 * SSM parameter with the id of Amazon's newest image, resolved at each launch (AWS: AL2023 on Amazon EC2).
 */
const newestImage = (architecture: string): string =>
  `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`;
/** SSM parameter that a launch reads for the image; undefined when the image is given by its id. */
export const imageParameterOf = (ami: string | undefined, architecture: string): string | undefined => {
  const image = ami ?? newestImage(architecture);
  return image.startsWith('/') ? image : undefined;
};
const imageOf = (ami: string): string => (ami.startsWith('/') ? `resolve:ssm:${ami}` : ami);

/**
 * Actions of the SSM agent, so that operators reach an instance: a heartbeat, Session Manager (AWS: "Verify
 * or add instance permissions for Session Manager", the minimal policy), and Run Command, with which
 * docs/using/runners.md registers (AWS: "ec2messages, ssmmessages, and other API operations"). Not
 * AmazonSSMManagedInstanceCore: it reads every parameter of the account, and a fleet may let its tasks use
 * the machine's role.
 */
const operatorsReach = [
  'ssm:UpdateInstanceInformation',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
  'ec2messages:AcknowledgeMessage',
  'ec2messages:DeleteMessage',
  'ec2messages:FailMessage',
  'ec2messages:GetEndpoint',
  'ec2messages:GetMessages',
  'ec2messages:SendReply',
] as const;

/**
 * Maximum user data before base64 encoding (AWS: EC2, user data). The agent's location from CloudFormation
 * adds some 100 characters.
 */
const longestUserData = 16_384 - 256;

const checkLength = (userData: string): string => {
  if (Buffer.byteLength(userData) <= longestUserData) return userData;
  throw new Error(`The script of an instance is too long: with ours, EC2 takes ${longestUserData} bytes.`);
};

export class RunnerInstance extends Construct {
  readonly launchTemplateId: string;
  /** S3 URL of the agent that instances download at their first boot. */
  readonly agentLocation: string;

  constructor(scope: Construct, id: string, props: RunnerInstanceProps) {
    super(scope, id);
    const agent = new Asset(this, 'Agent', { path: props.agentFile });
    const unit = (name: string) => readFileSync(join(props.unitFolder, name), 'utf8');

    const { fleet } = props;
    const role = new Role(this, 'Role', {
      roleName: fleet?.name,
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description:
        'Reveille: instances of runners; the agent gets what it may do from the API and not from here',
    });
    const agentArn = Arn.format(
      {
        service: 's3',
        region: '',
        account: '',
        resource: agent.s3BucketName,
        resourceName: agent.s3ObjectKey,
      },
      Stack.of(this),
    );
    role.addToPolicy(allow(['s3:GetObject'], [agentArn]));
    role.addToPolicy(allow([...operatorsReach], ['*']));
    const profile = new CfnInstanceProfile(this, 'Profile', { roles: [role.roleName] });

    // Without egress rules EC2's default stays, which allows all: the hosts that tasks reach (over ssh, git,
    // package mirrors, cloud APIs) are unknown here.
    const securityGroup = new CfnSecurityGroup(this, 'SecurityGroup', {
      groupDescription: 'Reveille runners: nothing comes in, operators use Session Manager',
      vpcId: props.vpcId,
    });

    const { architecture = 'arm64', ami = newestImage(architecture), volumeGiB = 10 } = props;
    const { Name = 'reveille-runner', ...moreTags } = props.tags;
    const tags = [
      { key: 'Name', value: Name },
      ...Object.entries(moreTags).map(([key, value]) => ({ key, value })),
    ];
    const template = new CfnLaunchTemplate(this, 'LaunchTemplate', {
      launchTemplateName: fleet?.name,
      // The functions may launch from it only with these tags.
      tagSpecifications: fleet && [{ resourceType: 'launch-template', tags }],
      launchTemplateData: {
        imageId: imageOf(ami),
        hibernationOptions: fleet?.hibernates ? { configured: true } : undefined,
        instanceType: props.instanceType,
        iamInstanceProfile: { arn: profile.attrArn },
        securityGroupIds: [securityGroup.attrGroupId],
        // A machine that shuts itself down stays for the next task. EC2 cannot stop a fleet's spot instance.
        // In a fleet that terminates idle instances, a stopped one would cost its volume.
        instanceInitiatedShutdownBehavior: fleet?.terminates ? 'terminate' : 'stop',
        metadataOptions: {
          httpTokens: 'required',
          httpPutResponseHopLimit: 1,
          httpEndpoint: 'enabled',
          // Fleets' instances read the API's URL from a tag.
          instanceMetadataTags: fleet && 'enabled',
        },
        blockDeviceMappings: [
          {
            deviceName: '/dev/xvda',
            ebs: { volumeType: 'gp3', volumeSize: volumeGiB, encrypted: true, deleteOnTermination: true },
          },
        ],
        tagSpecifications: [
          { resourceType: 'instance', tags },
          { resourceType: 'volume', tags },
          ...(fleet ? [{ resourceType: 'network-interface', tags }] : []),
        ],
        userData: Fn.base64(
          checkLength(
            runnerUserData({
              agentLocation: agent.s3ObjectUrl,
              agentSha256: createHash('sha256').update(readFileSync(props.agentFile)).digest('hex'),
              service: unit('reveille-runner.service'),
              path: unit('reveille-runner.path'),
              enroll: fleet && unit('reveille-enroll.service'),
              report: fleet && {
                program: unit('report-boot-failure.py'),
                stsHost: `sts.${Stack.of(this).region}.${Stack.of(this).urlSuffix}`,
              },
              ...(!props.tasksUseRole && { closeMetadata: unit('close-metadata.sh') }),
              script: props.script,
            }),
          ),
        ),
      },
    });
    this.launchTemplateId = template.ref;
    this.agentLocation = agent.s3ObjectUrl;
  }
}
