/** Properties of the resources that the local stack runs; rejects properties that it does not support. */
import * as z from 'zod';

export const table = z.object({
  KeySchema: z.unknown(),
  AttributeDefinitions: z.unknown(),
  GlobalSecondaryIndexes: z
    .array(z.object({ IndexName: z.string(), KeySchema: z.unknown(), Projection: z.unknown() }))
    .default([]),
});
export const role = z.object({
  AssumeRolePolicyDocument: z.unknown(),
  Policies: z.array(z.object({ PolicyDocument: z.unknown() })).default([]),
});
export const policy = z.object({ PolicyDocument: z.unknown(), Roles: z.array(z.string()).default([]) });
export const lambda = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Role: z.string(),
  Timeout: z.coerce.number().default(3),
  MemorySize: z.coerce.number().default(128),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).optional(),
  LoggingConfig: z.object({ LogGroup: z.string().optional() }).default({}),
  TracingConfig: z.object({ Mode: z.enum(['Active', 'PassThrough']) }).optional(),
});
export const eventInvokeConfig = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.literal('$LATEST'),
  DestinationConfig: z.strictObject({ OnFailure: z.strictObject({ Destination: z.string() }) }).optional(),
  MaximumRetryAttempts: z.coerce.number().int().min(0).max(2).default(2),
  /** Ignored: capacity is always free here, so no event waits for it. */
  MaximumEventAgeInSeconds: z.coerce.number().optional(),
});
export const integration = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal('2.0'),
  TimeoutInMillis: z.coerce.number().default(30_000),
});
export const route = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.literal('NONE').default('NONE'),
});
export const eventSource = z.strictObject({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: z.coerce.number().int().min(1).max(10).default(10),
  Enabled: z.boolean().default(true),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  ScalingConfig: z.strictObject({ MaximumConcurrency: z.coerce.number() }).optional(),
});
export const rule = z.strictObject({
  Name: z.string().optional(),
  Description: z.string().optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  ScheduleExpression: z.string().optional(),
  EventPattern: z.record(z.string(), z.unknown()).optional(),
  Targets: z
    .array(
      z.strictObject({
        Arn: z.string(),
        Id: z.string(),
        /** Role of a target that is an event bus. */
        RoleArn: z.string().optional(),
        RetryPolicy: z.unknown().optional(),
        DeadLetterConfig: z.unknown().optional(),
      }),
    )
    .default([]),
});

export const tagList = z
  .array(z.object({ Key: z.string(), Value: z.string() }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ Key, Value }) => [Key, Value])));
export const tagSpecifications = z
  .array(z.object({ ResourceType: z.string(), Tags: tagList }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ ResourceType, Tags }) => [ResourceType, Tags])));
export const launchTemplate = z.object({
  LaunchTemplateName: z.string(),
  TagSpecifications: tagSpecifications,
  LaunchTemplateData: z.object({
    ImageId: z.string(),
    InstanceType: z.string(),
    IamInstanceProfile: z.object({ Arn: z.string() }),
    SecurityGroupIds: z.tuple([z.string()]),
    HibernationOptions: z.object({ Configured: z.boolean() }).optional(),
    MetadataOptions: z.object({ InstanceMetadataTags: z.string().optional() }),
    TagSpecifications: tagSpecifications,
  }),
});
export const named = z.looseObject({ LaunchTemplateName: z.string().optional() });
export const instanceProfile = z.object({ Roles: z.array(z.string()) });
export const subnet = z.object({ AvailabilityZone: z.string() });

export const kmsKey = z.object({ KeyPolicy: z.unknown() });
export const customResource = z.looseObject({ ServiceToken: z.string() });
