/** The one table of permissions: who may call which operation of the API. What is not in it, nobody may call. */
import { type Role, roles } from '../../../protocol/index.ts';

/**
 * The least that it takes to call an operation. The roles of a project build on one another: who may configure may also
 * start tasks. `admin` is stack-wide and may do all that an owner may, in every project.
 * `anybody` needs nothing; `machine` proves itself by a runner's credentials, apart from people; `person` is whoever is known.
 */
export type Access = 'anybody' | 'machine' | 'person' | Role | 'admin';

const resource = (one: string, many: string): Record<string, Access> => ({
  [`list${many}`]: 'guest',
  [`get${one}`]: 'guest',
  [`create${one}`]: 'manager',
  [`replace${one}`]: 'manager',
  [`remove${one}`]: 'manager',
});

/** By operation id, as in the OpenAPI document. */
export const permissions: Readonly<Record<string, Access>> = {
  checkHealth: 'anybody',
  getDocument: 'anybody',
  getReference: 'anybody',

  getSetupState: 'anybody',
  login: 'anybody',
  startProviderSignIn: 'anybody',
  finishProviderSignIn: 'anybody',
  acceptInvitation: 'anybody',
  // Whoever knows the secret URL.
  receiveIntegrationEvent: 'anybody',

  setUp: 'admin',
  getMe: 'person',
  previewSchedule: 'person',
  logout: 'person',
  changePassword: 'person',
  offerTotp: 'person',
  confirmTotp: 'person',
  removeTotp: 'person',

  getSignInProvider: 'admin',
  replaceSignInProvider: 'admin',
  removeSignInProvider: 'admin',
  listUsers: 'admin',
  replaceUser: 'admin',
  removeUser: 'admin',
  listAdminTokens: 'admin',
  createAdminToken: 'admin',
  revokeAdminToken: 'admin',
  listStackAudit: 'admin',
  exportStackAudit: 'admin',

  listMembers: 'guest',
  replaceMember: 'owner',
  removeMember: 'owner',
  listInvitations: 'owner',
  createInvitation: 'owner',
  revokeInvitation: 'owner',
  listApiTokens: 'owner',
  createApiToken: 'owner',
  revokeApiToken: 'owner',
  listAudit: 'owner',
  exportAudit: 'owner',

  registerRunner: 'machine',
  enrollInstance: 'machine',
  reportBootFailure: 'machine',
  challengeAgent: 'machine',
  openAgentSession: 'machine',
  unregisterRunner: 'machine',
  claimTask: 'machine',
  sendHeartbeat: 'machine',
  drainRunner: 'machine',
  appendLog: 'machine',
  awaitConfirmation: 'machine',
  finishTask: 'machine',

  // Managers of any project make runners of them.
  listFleets: 'person',

  listProjects: 'person',
  createProject: 'admin',
  getProject: 'guest',
  replaceProject: 'owner',
  removeProject: 'owner',

  ...resource('Template', 'Templates'),
  ...resource('Inventory', 'Inventories'),
  ...resource('Repository', 'Repositories'),
  ...resource('Key', 'Keys'),
  ...resource('Environment', 'Environments'),
  ...resource('Integration', 'Integrations'),
  rotateIntegrationUrl: 'manager',
  // What came in may hold what its sender would not show to everybody.
  listIntegrationEvents: 'manager',
  ...resource('Schedule', 'Schedules'),
  ...resource('ProjectRunner', 'ProjectRunners'),
  drainProjectRunner: 'manager',
  sleepProjectRunner: 'manager',
  wakeProjectRunner: 'manager',
  resumeProjectRunner: 'manager',
  rotateProjectRunnerToken: 'manager',
  listProjectRegistrationTokens: 'manager',
  createProjectRegistrationToken: 'manager',
  revokeProjectRegistrationToken: 'manager',

  startTask: 'task_runner',
  stopTask: 'task_runner',
  confirmTask: 'task_runner',
  rejectTask: 'task_runner',
  listTasks: 'guest',
  getTask: 'guest',
  readLog: 'guest',
  downloadLog: 'guest',
  getCosts: 'guest',
  getCostHistory: 'guest',
  getTrip: 'guest',
  getRouting: 'guest',
  getLiveTasks: 'guest',
  getDashboard: 'guest',
  getProjectRunnerTimeline: 'guest',

  // A delivery shows the URL that it goes to, and such a URL may itself be a secret.
  listDeliveries: 'manager',
  listTaskDeliveries: 'manager',
  sendDelivery: 'manager',

  // Global runners hold tasks of every project, so they are nobody's but the admin's.
  listGlobalRunners: 'admin',
  createGlobalRunner: 'admin',
  getGlobalRunner: 'admin',
  replaceGlobalRunner: 'admin',
  removeGlobalRunner: 'admin',
  getGlobalRunnerTimeline: 'admin',
  drainGlobalRunner: 'admin',
  sleepGlobalRunner: 'admin',
  wakeGlobalRunner: 'admin',
  resumeGlobalRunner: 'admin',
  rotateGlobalRunnerToken: 'admin',
  listGlobalRegistrationTokens: 'admin',
  createGlobalRegistrationToken: 'admin',
  revokeGlobalRegistrationToken: 'admin',
};

/** Who calls, as far as permissions go. */
export interface Standing {
  readonly isAdmin: boolean;
  /** By project. */
  readonly roles: Readonly<Record<string, Role>>;
}

export type EffectiveRole = Role | 'admin';

/** What somebody is in a project; undefined: nobody. Without a project, only an admin is something. */
export const roleIn = (
  { isAdmin, roles: own }: Standing,
  projectId: string | undefined,
): EffectiveRole | undefined =>
  isAdmin ? 'admin' : projectId !== undefined && Object.hasOwn(own, projectId) ? own[projectId] : undefined;

const ranks: readonly string[] = [...roles, 'admin'];

/** Whether `role` is at least `least`. */
export const isAtLeast = (role: EffectiveRole | undefined, least: EffectiveRole): boolean =>
  role !== undefined && ranks.indexOf(role) >= ranks.indexOf(least);

/**
 * Whether a change by that operation lives on after its caller: what takes a manager or more makes tokens, members, settings. Tasks end.
 */
export const outlivesCaller = (operationId: string): boolean => {
  const access = Object.hasOwn(permissions, operationId) ? permissions[operationId] : undefined;
  return access === 'manager' || access === 'owner' || access === 'admin';
};

/** Whether a known person with that role may call the operation. An operation without a rule is closed to all. */
export const mayCall = (role: EffectiveRole | undefined, operationId: string): boolean => {
  const access = Object.hasOwn(permissions, operationId) ? permissions[operationId] : undefined;
  switch (access) {
    case undefined:
    case 'machine':
      return false;
    case 'anybody':
    case 'person':
      return true;
    default:
      return isAtLeast(role, access);
  }
};
