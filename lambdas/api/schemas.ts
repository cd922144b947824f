/** The protocol's schemas under their names in the OpenAPI document. */
import * as z from 'zod';
import {
  adminTokenInput,
  apiToken,
  apiTokenId,
  apiTokenInput,
  auditEvent,
  claimResponse,
  costHistory,
  costReport,
  createdFleetRunners,
  createdRunner,
  credentialsResponse,
  dashboard,
  delivery,
  deliveryId,
  enrollResponse,
  environment,
  environmentId,
  environmentInput,
  environmentUpdate,
  fleet,
  heartbeatResponse,
  integration,
  integrationEvent,
  integrationId,
  integrationInput,
  inventory,
  inventoryId,
  inventoryInput,
  invitation,
  invitationId,
  invitationInput,
  key,
  keyId,
  keyInput,
  keyUpdate,
  listedRunner,
  liveTasks,
  logPage,
  me,
  member,
  memberInput,
  newApiToken,
  newInvitation,
  newRunnerInput,
  page,
  problem,
  project,
  projectId,
  projectInput,
  registrationToken,
  registrationTokenId,
  registrationTokenInput,
  registrationTokenRecord,
  repository,
  repositoryId,
  repositoryInput,
  rotatedToken,
  rotationInput,
  routing,
  runner,
  runnerId,
  runnerInput,
  schedule,
  scheduleId,
  scheduleInput,
  schedulePreview,
  scheduleUpdate,
  signInProvider,
  signInProviderInput,
  task,
  taskId,
  taskInput,
  template,
  templateId,
  templateInput,
  timeline,
  trip,
  user,
  userId,
} from '../../protocol/index.ts';

const named = <T extends z.ZodType>(id: string, schema: T): T => schema.meta({ id });

export const problemSchema = named('Problem', problem);

export const projectSchema = named('Project', project);
export const projectInputSchema = named('ProjectInput', projectInput);
export const templateSchema = named('Template', template);
export const templateInputSchema = named('TemplateInput', templateInput);
export const inventorySchema = named('Inventory', inventory);
export const inventoryInputSchema = named('InventoryInput', inventoryInput);
export const repositorySchema = named('Repository', repository);
export const repositoryInputSchema = named('RepositoryInput', repositoryInput);
export const keySchema = named('Key', key);
export const keyInputSchema = named('KeyInput', keyInput);
export const keyUpdateSchema = named('KeyUpdate', keyUpdate);
export const environmentSchema = named('Environment', environment);
export const environmentInputSchema = named('EnvironmentInput', environmentInput);
export const environmentUpdateSchema = named('EnvironmentUpdate', environmentUpdate);
export const runnerSchema = named('Runner', runner);
export const listedRunnerSchema = named('ListedRunner', listedRunner);
export const runnerInputSchema = named('RunnerInput', runnerInput);
export const createdRunnerSchema = named('CreatedRunner', createdRunner.extend({ runner: runnerSchema }));
export const newRunnerInputSchema = named('NewRunnerInput', newRunnerInput);
export const createdFleetRunnersSchema = named(
  'CreatedFleetRunners',
  createdFleetRunners.extend({ items: z.array(runnerSchema) }),
);
export const fleetSchema = named('Fleet', fleet);
export const enrolmentSchema = named('Enrolment', enrollResponse);
export const registrationTokenSchema = named('RegistrationToken', registrationToken);
export const registrationTokenRecordSchema = named('RegistrationTokenRecord', registrationTokenRecord);
export const rotationInputSchema = named('RotationInput', rotationInput);
export const rotatedTokenSchema = named('RotatedToken', rotatedToken);
export const registrationTokenInputSchema = named('RegistrationTokenInput', registrationTokenInput);
export const taskSchema = named('Task', task);
export const taskInputSchema = named('TaskInput', taskInput);
export const logPageSchema = named('LogPage', logPage);
export const deliverySchema = named('Delivery', delivery);
export const costReportSchema = named('CostReport', costReport);
export const integrationSchema = named('Integration', integration);
export const integrationInputSchema = named('IntegrationInput', integrationInput);
export const integrationEventSchema = named('IntegrationEvent', integrationEvent);
export const scheduleSchema = named('Schedule', schedule);
export const scheduleInputSchema = named('ScheduleInput', scheduleInput);
export const scheduleUpdateSchema = named('ScheduleUpdate', scheduleUpdate);
export const schedulePreviewSchema = named('SchedulePreview', schedulePreview);
export const costHistorySchema = named('CostHistory', costHistory);
export const timelineSchema = named('Timeline', timeline);
export const tripSchema = named('Trip', trip);
export const routingSchema = named('Routing', routing);
export const liveTasksSchema = named('LiveTasks', liveTasks);
export const dashboardSchema = named('Dashboard', dashboard);
export const credentialsSchema = named('AgentCredentials', credentialsResponse);
export const claimSchema = named('Claim', claimResponse);
export const heartbeatSchema = named('Heartbeat', heartbeatResponse);

export const signInProviderSchema = named('SignInProvider', signInProvider);
export const signInProviderInputSchema = named('SignInProviderInput', signInProviderInput);
export const userSchema = named('User', user);
export const meSchema = named('Me', me.extend({ user: userSchema.optional() }));
export const memberSchema = named('Member', member);
export const memberInputSchema = named('MemberInput', memberInput);
export const invitationSchema = named('Invitation', invitation);
export const invitationInputSchema = named('InvitationInput', invitationInput);
export const newInvitationSchema = named('NewInvitation', newInvitation);
export const apiTokenSchema = named('ApiToken', apiToken);
export const apiTokenInputSchema = named('ApiTokenInput', apiTokenInput);
export const adminTokenInputSchema = named('AdminTokenInput', adminTokenInput);
export const newApiTokenSchema = named('NewApiToken', newApiToken);
export const auditEventSchema = named('AuditEvent', auditEvent);

export const listOf = <T extends z.ZodType>(item: T) => page(item).omit({ nextCursor: true });

/** Query of a listing that returns only the last `limit` rows. */
export const lastQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(50) });

export const inNothing = z.object({});
export const inProject = z.object({ projectId });
export const inTemplate = z.object({ projectId, templateId });
export const inInventory = z.object({ projectId, inventoryId });
export const inRepository = z.object({ projectId, repositoryId });
export const inKey = z.object({ projectId, keyId });
export const inEnvironment = z.object({ projectId, environmentId });
export const inIntegration = z.object({ projectId, integrationId });
export const inSchedule = z.object({ projectId, scheduleId });
/** Path of a secret URL. */
export const integrationEventPath = z.object({ projectId, integrationId: z.string(), secret: z.string() });
export const inRunner = z.object({ projectId, runnerId });
export const inGlobalRunner = z.object({ runnerId });
export const inTask = z.object({ projectId, taskId });
export const inDelivery = z.object({ projectId, deliveryId });
export const inMember = z.object({ projectId, userId });
export const inInvitation = z.object({ projectId, invitationId });
export const inApiToken = z.object({ projectId, apiTokenId });
export const inUser = z.object({ userId });
export const inAdminToken = z.object({ apiTokenId });
export const inRegistrationToken = z.object({ projectId, registrationTokenId });
export const inGlobalRegistrationToken = z.object({ registrationTokenId });
