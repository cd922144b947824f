/** Resources of a synthesized template, in the form in which the local stack runs them. */
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
  /** Attributes in the form of CreateQueue. */
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
  /** Readable name: `task-start` for `TaskStartFunction` and CDK's hash. */
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
  /** Queue for events that failed at every attempt of an asynchronous invocation. */
  readonly failuresArn?: string;
  /** Maximum retries of an asynchronous invocation. @default Lambda's */
  readonly asyncRetriesMax?: number;
  /** Absent when the function uses Lambda's own log group. */
  readonly logGroup?: string;
  /** True if Lambda sends traces of its invocations. */
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
  /** Policy of the key. Roles' policies count only if it allows them. */
  readonly policy: unknown;
}

/** Launch template of a fleet. */
export interface LaunchTemplateSpec {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  /** Tags of the launch template itself. */
  readonly tags: Readonly<Record<string, string>>;
  /** Tags by type of the launched resource: `instance`, `volume`, `network-interface`. */
  readonly tagsOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly securityGroupTags: Readonly<Record<string, string>>;
  /** `ami-…`, or `resolve:ssm:/…` */
  readonly imageId: string;
  readonly instanceType: string;
  readonly role: RoleSpec;
  readonly canHibernate: boolean;
  /** True if the metadata service shows an instance its own tags. */
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
  /** Function that creates the resource. */
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
  /** Names of schedule groups in EventBridge Scheduler. */
  readonly scheduleGroups: readonly string[];
  readonly buckets: readonly string[];
  readonly kmsKeys: readonly KmsKeySpec[];
  readonly customResources: readonly CustomResourceSpec[];
  readonly launchTemplates: readonly LaunchTemplateSpec[];
  readonly subnets: readonly SubnetSpec[];
  /** Distribution before buckets and HTTP API; without one, clients call the HTTP API directly. */
  readonly distribution?: DistributionSpec;
  readonly outputs: Readonly<Record<string, unknown>>;
}
