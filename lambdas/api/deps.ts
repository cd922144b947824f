/** Dependencies of the API, and the variables that its middleware sets for the handlers. */

import type { Context } from 'hono';
import type { RequestIdVariables } from 'hono/request-id';
import type { AuditObject, EffectiveRole, LoginId } from '../../protocol/index.ts';
import type { AddressGuard } from '../adapters/address-guard.ts';
import type { IntegrationStore } from '../adapters/integrations/integrations.ts';
import type { PendingEventStore, WorkEventSoon } from '../adapters/integrations/pending-events.ts';
import type { ApiTokenStore, Caller } from '../adapters/people/api-tokens.ts';
import type { AuditTrail } from '../adapters/people/audit.ts';
import type { InvitationStore } from '../adapters/people/invitations.ts';
import type { Oidc } from '../adapters/people/oidc.ts';
import type { Passwords } from '../adapters/people/passwords.ts';
import type { AttemptStore } from '../adapters/people/rate-limits.ts';
import type { SignInProviderStore } from '../adapters/people/sign-in-providers.ts';
import type { UserRecord, UserStore } from '../adapters/people/users.ts';
import type { NameStore } from '../adapters/resources/names.ts';
import type { ProjectStore, Resources } from '../adapters/resources/resources.ts';
import type { AgentIdentity } from '../adapters/runners/agent-tokens.ts';
import type { RandomBytes, RegistrationTokenStore } from '../adapters/runners/registration-tokens.ts';
import type { VendCredentials } from '../adapters/runners/runner-credentials.ts';
import type { RunnerRecord } from '../adapters/runners/runner-record.ts';
import type { Scheduler } from '../adapters/schedules/scheduler.ts';
import type { ScheduleStore } from '../adapters/schedules/schedules.ts';
import type { SignedTokens } from '../adapters/secrets/signed-tokens.ts';
import type { StartKeys } from '../adapters/tasks/start-keys.ts';
import type { Deps } from '../flows/deps.ts';
import type { EventDeps } from '../flows/integrations/receive-event.ts';
import type { EnrollDeps } from '../flows/runners/enroll.ts';

export interface ApiDeps
  extends Omit<Deps, 'instances' | 'starts' | 'startSoon' | 'pause' | 'region'>,
    EnrollDeps {
  readonly startKeys: StartKeys;
  readonly names: NameStore;
  readonly projects: ProjectStore;
  readonly resources: Resources;
  readonly integrations: IntegrationStore;
  readonly pendingEvents: PendingEventStore;
  readonly workEventSoon: WorkEventSoon;
  readonly readKeyText: EventDeps['readKeyText'];
  readonly schedules: ScheduleStore;
  readonly scheduler: Scheduler;
  readonly apiTokens: ApiTokenStore;
  /** `apiTokens.verify`, or a cache in front of it. */
  readonly verifyToken: ApiTokenStore['verify'];
  readonly users: UserStore;
  readonly invitations: InvitationStore;
  readonly signInProviders: SignInProviderStore;
  readonly oidc: Oidc;
  readonly attempts: AttemptStore;
  readonly audit: AuditTrail;
  readonly passwords: Passwords;
  /** Signs the cookies of people. */
  readonly personTokens: SignedTokens;
  /** Id of the request, for the logs and the audit trail; never chosen by the caller. */
  readonly requestIdOf: (c: Context) => string;
  /** Address that a request came from. */
  readonly sourceOf: (c: Context) => string;
  readonly registrationTokens: RegistrationTokenStore;
  readonly vendCredentials: VendCredentials;
  readonly randomBytes: RandomBytes;
  /** Makes an X25519 key pair in PEM. */
  readonly makeKeyPair: () => { publicKey: string; privateKey: string };
  /** Throws when the table is unreadable. */
  readonly checkHealth: () => Promise<void>;
  readonly region: string;
  /** Reason why webhooks may not go to that URL; undefined when its text is acceptable. */
  readonly refuseUrl: AddressGuard['refuse'];
  /** Endpoint of SQS for agents, when it is not AWS's own. */
  readonly awsEndpoint?: string;
  /** URL of the console for people; cookies are accepted only from its origin. */
  readonly consoleUrl: string;
}

/** Variables of every request. */
export interface ApiEnv {
  Variables: RequestIdVariables;
}
/** A person, and the sign-in that the request came with. */
export interface SignedIn {
  readonly user: UserRecord;
  readonly loginId: LoginId;
}
/** Variables of a person's request, once the person is identified and the operation permitted. */
export interface PersonEnv {
  Variables: RequestIdVariables & {
    caller: Caller;
    /** The signed-in person; absent for an API token. */
    signedIn?: SignedIn;
    /** Role in the project of the path. */
    role: EffectiveRole | undefined;
    /** Object that the handler has made, for the audit trail, which reads it otherwise. */
    made?: AuditObject;
  };
}
/** Variables of an agent's request with its runner's token. */
export interface RunnerEnv {
  Variables: RequestIdVariables & { runner: RunnerRecord };
}
/** Variables of an agent's request within a session. */
export interface AgentEnv {
  Variables: RequestIdVariables & { agent: AgentIdentity };
}
