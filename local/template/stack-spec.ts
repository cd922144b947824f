/** What a synthesized template makes, as the stack on one machine runs it. */
import type { DistributionSpec } from './distribution.ts';
import type { Place } from './resource-ids.ts';

export interface TableSpec {
  readonly name: string;
  readonly attributeDefinitions: unknown;
  readonly keySchema: unknown;
  readonly globalSecondaryIndexes: readonly unknown[];
}

export interface QueueSpec {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** As CreateQueue takes them. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RoleSpec {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly trust: unknown;
  readonly policies: readonly unknown[];
}

export interface FunctionSpec {
  readonly logicalId: string;
  /** For people: `task-start` for `TaskStartFunction` and CDK's hash. */
  readonly label: string;
  readonly name: string;
  readonly arn: string;
  readonly role: RoleSpec;
  /** Folder of the bundled code. */
  readonly codeDir: string;
  /** `file.export` */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Of the queue for events that the function failed at to the end, when it was invoked asynchronously. */
  readonly failuresArn?: string;
  /** How often it is tried again when it was invoked asynchronously. @default as often as Lambda does */
  readonly asyncRetriesMax?: number;
  /** Absent when the function has Lambda's own log group. */
  readonly logGroup?: string;
  /** Whether Lambda sends traces of its invocations. */
  readonly traced: boolean;
}

export interface RouteSpec {
  /** `POST /path`, or `$default`. */
  readonly routeKey: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
}

export interface EventSourceSpec {
  readonly queueArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  readonly reportsBatchItemFailures: boolean;
  readonly maximumConcurrency: number;
}

export interface RuleSpec {
  readonly arn: string;
  readonly schedule?: string;
  readonly pattern?: Readonly<Record<string, unknown>>;
  readonly targetArns: readonly string[];
}

export interface KmsKeySpec {
  readonly arn: string;
  /** Without its leave, no role's own policy counts. */
  readonly policy: unknown;
}

/** What a fleet launches instances from. */
export interface LaunchTemplateSpec {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  /** Of the launch template itself. */
  readonly tags: Readonly<Record<string, string>>;
  /** By the type of what is launched: `instance`, `volume`, `network-interface`. */
  readonly tagsOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly securityGroupTags: Readonly<Record<string, string>>;
  /** `ami-…`, or `resolve:ssm:/…` */
  readonly imageId: string;
  readonly instanceType: string;
  readonly role: RoleSpec;
  readonly canHibernate: boolean;
  /** Whether instances see their own tags in their metadata. */
  readonly showsTags: boolean;
}

export interface SubnetSpec {
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface CustomResourceSpec {
  readonly logicalId: string;
  readonly type: string;
  /** Makes it. */
  readonly functionArn: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface StackSpec {
  readonly place: Place;
  readonly tables: readonly TableSpec[];
  readonly queues: readonly QueueSpec[];
  readonly roles: readonly RoleSpec[];
  readonly functions: readonly FunctionSpec[];
  readonly routes: readonly RouteSpec[];
  readonly eventSources: readonly EventSourceSpec[];
  readonly rules: readonly RuleSpec[];
  /** Names of groups in EventBridge Scheduler. */
  readonly scheduleGroups: readonly string[];
  readonly buckets: readonly string[];
  readonly kmsKeys: readonly KmsKeySpec[];
  readonly customResources: readonly CustomResourceSpec[];
  readonly launchTemplates: readonly LaunchTemplateSpec[];
  readonly subnets: readonly SubnetSpec[];
  /** What stands before buckets and HTTP API; without one, the HTTP API is reached as it is. */
  readonly distribution?: DistributionSpec;
  readonly outputs: Readonly<Record<string, unknown>>;
}
