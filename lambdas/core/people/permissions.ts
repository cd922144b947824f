/**
 * Permission table: the access that each operation of the API requires. Nobody may call an operation without
 * an entry.
 */
import { type Role, roles } from '../../../protocol/index.ts';

/**
 * Minimum access to call an operation. The roles of a project build on one another: a manager may also start
 * tasks. `admin` is stack-wide and includes `owner` in every project. `anybody` needs nothing; `machine` has
 * a runner's credentials, apart from people; `person` is anyone signed in.
 */
export type Access = 'anybody' | 'machine' | 'person' | Role | 'admin';

const resource = (one: string, many: string): Record<string, Access> => ({
  [`list${many}`]: 'guest',
  [`get${one}`]: 'guest',
  [`create${one}`]: 'manager',
  [`replace${one}`]: 'manager',
  [`remove${one}`]: 'manager',
});

/** Required access by operation id, as in the OpenAPI document. */
export const permissions: Readonly<Record<string, Access>> = {
  checkHealth: 'anybody',
  getDocument: 'anybody',
  getReference: 'anybody',

  getSetupState: 'anybody',
  login: 'anybody',
  startProviderSignIn: 'anybody',
  finishProviderSignIn: 'anybody',
  acceptInvitation: 'anybody',
  // For everybody who knows the secret URL.
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

  // Managers of any project create runners of fleets.
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
  // An event may contain data that its sender would not show to everybody.
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

  // A delivery shows its URL, which may itself be a secret.
  listDeliveries: 'manager',
  listTaskDeliveries: 'manager',
  sendDelivery: 'manager',

  // Global runners have tasks of every project, so only an admin may see them.
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

/** Caller, as far as permissions need. */
export interface Standing {
  readonly isAdmin: boolean;
  /** Roles by project. */
  readonly roles: Readonly<Record<string, Role>>;
}

export type EffectiveRole = Role | 'admin';

/** Returns the role in a project; undefined: none. Without a project only an admin has one. */
export const roleIn = (
  { isAdmin, roles: own }: Standing,
  projectId: string | undefined,
): EffectiveRole | undefined =>
  isAdmin ? 'admin' : projectId !== undefined && Object.hasOwn(own, projectId) ? own[projectId] : undefined;

const ranks: readonly string[] = [...roles, 'admin'];

/** True when `role` is at least `least`. */
export const isAtLeast = (role: EffectiveRole | undefined, least: EffectiveRole): boolean =>
  role !== undefined && ranks.indexOf(role) >= ranks.indexOf(least);

/**
 * True when a change by that operation outlasts its caller. Operations for managers and above make tokens,
 * members and settings; tasks end.
 */
export const outlivesCaller = (operationId: string): boolean => {
  const access = Object.hasOwn(permissions, operationId) ? permissions[operationId] : undefined;
  return access === 'manager' || access === 'owner' || access === 'admin';
};

/**
 * True when a signed-in person with that role may call the operation. An operation without an entry is closed
 * to all.
 */
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
