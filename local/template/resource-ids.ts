/** Physical id and attributes of each resource type that the local stack supports. */
import { createHash } from 'node:crypto';

/** Account, region and stack that the local stack presents. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
  readonly stackName: string;
  /** Endpoint of the HTTP API, without a trailing slash. */
  readonly apiUrl: string;
}

export interface Identity {
  /** Value of `Ref`. */
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Identifies a resource; `property` returns one of its resolved properties. */
type Identify = (logicalId: string, property: (name: string) => unknown, place: Place) => Identity;

/**
 * Name of a resource. CloudFormation adds random letters to generated names; here a name stays the same over
 * restarts.
 */
const nameOf = (given: unknown, logicalId: string, place: Place): string =>
  typeof given === 'string' ? given : `${place.stackName}-${logicalId}`;

const withArn = (service: string, kind: string, nameProperty: string): Identify => {
  return (logicalId, property, place) => {
    const name = nameOf(property(nameProperty), logicalId, place);
    const region = service === 'iam' ? '' : place.region;
    return {
      ref: name,
      attributes: { Arn: `arn:aws:${service}:${region}:${place.accountId}:${kind}${name}` },
    };
  };
};

/** Id in EC2's form, lowercase hexadecimal; here the same at each start. */
const idLike = (prefix: string, logicalId: string, place: Place): string =>
  `${prefix}-0${createHash('sha256').update(`${place.stackName}/${logicalId}`).digest('hex').slice(0, 16)}`;

/** A resource without effect on one machine. */
const inert: Identify = (logicalId, _property, place) => ({
  ref: `${place.stackName}-${logicalId}`,
  attributes: {},
});

/** Placeholder for the domain that CloudFront assigns to a distribution. */
export const distributionDomain = 'distribution.cloudfront.net';

const identities: Readonly<Record<string, Identify>> = {
  'AWS::DynamoDB::Table': withArn('dynamodb', 'table/', 'TableName'),
  'AWS::DynamoDB::GlobalTable': withArn('dynamodb', 'table/', 'TableName'),
  'AWS::IAM::Role': withArn('iam', 'role/', 'RoleName'),
  'AWS::Lambda::Function': withArn('lambda', 'function:', 'FunctionName'),
  'AWS::Events::Rule': withArn('events', 'rule/', 'Name'),
  'AWS::Scheduler::ScheduleGroup': withArn('scheduler', 'schedule-group/', 'Name'),
  'AWS::KMS::Key': (logicalId, _property, place) => ({
    ref: logicalId,
    attributes: { Arn: `arn:aws:kms:${place.region}:${place.accountId}:key/${logicalId}`, KeyId: logicalId },
  }),
  'AWS::SQS::Queue': (logicalId, property, place) => {
    const name = nameOf(property('QueueName'), logicalId, place);
    return {
      ref: `https://sqs.${place.region}.amazonaws.com/${place.accountId}/${name}`,
      attributes: { Arn: `arn:aws:sqs:${place.region}:${place.accountId}:${name}`, QueueName: name },
    };
  },
  'AWS::ApiGatewayV2::Api': (logicalId, _property, place) => ({
    ref: logicalId,
    attributes: { ApiId: logicalId, ApiEndpoint: place.apiUrl },
  }),
  'AWS::S3::Bucket': (logicalId, property, place) => {
    const name = nameOf(property('BucketName'), logicalId, place).toLowerCase();
    return {
      ref: name,
      attributes: {
        Arn: `arn:aws:s3:::${name}`,
        RegionalDomainName: `${name}.s3.${place.region}.amazonaws.com`,
      },
    };
  },
  'AWS::S3::BucketPolicy': inert,
  // Every other resource reads the stack's address from `https://` and this name; see `hereIn`.
  'AWS::CloudFront::Distribution': (logicalId) => ({
    ref: logicalId,
    attributes: { DomainName: distributionDomain },
  }),
  'AWS::CloudFront::Function': (logicalId, _property, place) => ({
    ref: logicalId,
    attributes: { FunctionARN: `arn:aws:cloudfront::${place.accountId}:function/${logicalId}` },
  }),
  'AWS::CloudFront::OriginAccessControl': (logicalId) => ({ ref: logicalId, attributes: { Id: logicalId } }),
  'AWS::CloudFront::ResponseHeadersPolicy': inert,
  'AWS::ApiGatewayV2::Integration': inert,
  'AWS::ApiGatewayV2::Route': inert,
  'AWS::ApiGatewayV2::Stage': inert,
  'AWS::IAM::Policy': inert,
  'AWS::IAM::InstanceProfile': withArn('iam', 'instance-profile/', 'InstanceProfileName'),
  'AWS::Lambda::EventSourceMapping': inert,
  'AWS::Lambda::Permission': inert,
  'AWS::Lambda::EventInvokeConfig': inert,
  // Its ARN has this ending, as policies expect (AWS: AWS::Logs::LogGroup, return values).
  'AWS::Logs::LogGroup': (logicalId, property, place) => {
    const name = nameOf(property('LogGroupName'), logicalId, place);
    return {
      ref: name,
      attributes: { Arn: `arn:aws:logs:${place.region}:${place.accountId}:log-group:${name}:*` },
    };
  },
  'AWS::SQS::QueuePolicy': inert,
  // For operators of an account only: the local stack notifies no one, and its logs contain the same.
  'AWS::CloudWatch::Alarm': withArn('cloudwatch', 'alarm:', 'AlarmName'),
  'AWS::CloudWatch::Dashboard': inert,
  'AWS::Logs::MetricFilter': inert,
  'AWS::SNS::Subscription': inert,
  'AWS::SNS::Topic': (logicalId, property, place) => {
    const name = nameOf(property('TopicName'), logicalId, place);
    return { ref: `arn:aws:sns:${place.region}:${place.accountId}:${name}`, attributes: { TopicName: name } };
  },
  'AWS::SNS::TopicPolicy': inert,
  'AWS::CDK::Metadata': inert,
  'AWS::EC2::LaunchTemplate': (logicalId, _property, place) => ({
    ref: `${place.stackName}-${logicalId}`,
    attributes: { LatestVersionNumber: '1', DefaultVersionNumber: '1', LaunchTemplateId: `lt-${logicalId}` },
  }),
  'AWS::EC2::Subnet': (logicalId, _property, place) => ({
    ref: idLike('subnet', logicalId, place),
    attributes: {},
  }),
  'AWS::EC2::VPC': (logicalId, _property, place) => ({
    ref: idLike('vpc', logicalId, place),
    attributes: {},
  }),
  // One machine has one network without barriers.
  'AWS::EC2::InternetGateway': inert,
  'AWS::EC2::VPCGatewayAttachment': inert,
  'AWS::EC2::RouteTable': inert,
  'AWS::EC2::Route': inert,
  'AWS::EC2::SubnetRouteTableAssociation': inert,
  'AWS::EC2::SecurityGroup': (logicalId, _property, place) => ({
    ref: `${place.stackName}-${logicalId}`,
    attributes: { GroupId: `sg-${logicalId}`, VpcId: 'vpc-local' },
  }),
};

/** True for a custom resource, whose attributes its function returns. */
export const isCustom = (type: string): boolean =>
  /^(Custom::|AWS::CloudFormation::CustomResource$)/.test(type);

/** Placeholder for an attribute of a custom resource until its function returns the value. */
export const unmadeAttribute = (logicalId: string, name: string): string => `{made:${logicalId}.${name}}`;

/** Identifies a resource; throws for an unsupported resource type, by its name. */
export const identify = (
  type: string,
  logicalId: string,
  property: (name: string) => unknown,
  place: Place,
): Identity => {
  const found = isCustom(type) ? inert : identities[type];
  if (!found) {
    throw new Error(
      `The stack on one machine does not know the resource type ${type} (${logicalId}). ` +
        'Teach it in local/template/resource-ids.ts: what the type does here, or that it does nothing.',
    );
  }
  return found(logicalId, property, place);
};
