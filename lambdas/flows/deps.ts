/** Dependencies of the flows. Each takes only its part, so that a test or the simulation can provide it. */
import type {
  Clock,
  Delivery,
  Environment,
  Inventory,
  KeySecret,
  Project,
  ProjectId,
  Repository,
  Runner,
  TaskId,
  Template,
} from '../../protocol/index.ts';
import type { PriceStore } from '../adapters/costs/prices.ts';
import type { FleetPlaces } from '../adapters/fleets/fleet-places.ts';
import type { NewId } from '../adapters/ids.ts';
import type { Log } from '../adapters/log.ts';
import type { Edit, TaskReferences } from '../adapters/resources/resources.ts';
import type { AgentTokens } from '../adapters/runners/agent-tokens.ts';
import type { Instances } from '../adapters/runners/instances.ts';
import type { SettlePowerSoon, StartSoon } from '../adapters/runners/power-requests.ts';
import type { RunnerStore } from '../adapters/runners/runners.ts';
import type { SessionStore } from '../adapters/runners/sessions.ts';
import type { StartQueue } from '../adapters/runners/start-queue.ts';
import type { LimitStore } from '../adapters/tasks/limits.ts';
import type { LineStore } from '../adapters/tasks/lines.ts';
import type { LogStore } from '../adapters/tasks/logs.ts';
import type { Queues } from '../adapters/tasks/queues.ts';
import type { TaskStore } from '../adapters/tasks/tasks.ts';
import type { CircuitStore } from '../adapters/webhooks/circuits.ts';
import type { DeliveryStore } from '../adapters/webhooks/deliveries.ts';
import type { SendWebhook } from '../adapters/webhooks/webhook-sender.ts';
import type { FleetPlan } from '../core/fleets/fleets.ts';

/** All parts of a project that a task needs, secrets included. */
export interface TaskParts {
  readonly template: Template;
  readonly inventory?: Inventory;
  readonly inventoryKey?: KeySecret;
  readonly repository?: Repository;
  readonly repositoryKey?: KeySecret;
  readonly vaultKeys?: readonly { readonly vaultId: string; readonly key: KeySecret }[];
  readonly becomeKey?: KeySecret;
  readonly environment?: Pick<Environment, 'variables'> & {
    secrets: Record<string, string>;
    secretFiles?: Record<string, string>;
  };
  /** Last editors of the template, inventory, environment and repository, in these versions. */
  readonly edits: readonly Edit[];
}

/** Secrets that a runner receives, encrypted, with a task. */
export interface SecretUse {
  readonly projectId: ProjectId;
  readonly taskId: TaskId;
  readonly templateName: string;
  readonly runner: Pick<Runner, 'id' | 'name'>;
  /** Ids of keys and environments. */
  readonly secrets: readonly string[];
}

export interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  /** Logs an action that the result does not show, with the ids concerned. */
  readonly log: Log;
  readonly readTemplate: (projectId: ProjectId, id: string) => Promise<Template | undefined>;
  /** Returns a template and its project, by one read. Undefined when one of them does not exist. */
  readonly readForTask: (
    projectId: ProjectId,
    templateId: string,
  ) => Promise<{ template: Template; project: Project } | undefined>;
  readonly readInventory: (projectId: ProjectId, id: string) => Promise<Inventory | undefined>;
  /** Undefined when its template, or another object that it refers to, was removed. */
  readonly readTaskParts: (task: TaskReferences) => Promise<TaskParts | undefined>;
  /** Records in the audit trail that secrets are about to be used. */
  readonly recordSecretUse: (use: SecretUse) => Promise<void>;
  readonly runners: RunnerStore;
  readonly tasks: TaskStore;
  readonly limits: LimitStore;
  readonly lines: LineStore;
  readonly logs: LogStore;
  readonly deliveries: DeliveryStore;
  readonly sessions: SessionStore;
  readonly prices: PriceStore;
  readonly queues: Queues;
  readonly settlePowerSoon: SettlePowerSoon;
  readonly starts: StartQueue;
  readonly startSoon: StartSoon;
  readonly pause: (ms: number) => Promise<void>;
  readonly sendWebhook: SendWebhook;
  readonly circuits: CircuitStore;
  /** Schedules a later retry of a delivery; `tries` are its retries so far. */
  readonly retryWebhook: (
    delivery: Pick<Delivery, 'projectId' | 'id'>,
    options?: { readonly delaySeconds: number; readonly tries: number },
  ) => Promise<void>;
  readonly instances: Instances;
  /** As configured in cdk.json. */
  readonly fleets: readonly FleetPlan[];
  readonly fleetPlaces: FleetPlaces;
  readonly agentTokens: AgentTokens;
  /** Encrypts to a runner's public key. */
  readonly seal: (plainText: string, publicKey: string) => Promise<string>;
  /** URL of the control plane, without a slash at the end. */
  readonly apiUrl: string;
  /** The control plane's region. */
  readonly region: string;
}
