/**
 * Prefixed, sortable ids: `prj_` and a ULID (https://github.com/ulid/spec), so that a list by key is a list
 * by age.
 */
import * as z from 'zod';

const ulidPattern = '[0-7][0-9A-HJKMNP-TV-Z]{25}';

/**
 * A pattern at run time (so that OpenAPI shows it), a template literal for the compiler (so that ids don't
 * mix).
 */
const id = <P extends string>(prefix: P) =>
  z
    .string()
    .regex(
      new RegExp(`^${prefix}_${ulidPattern}$`),
      `must be an id that starts with ${prefix}_`,
    ) as z.ZodString & z.ZodType<`${P}_${string}`, string>;

export const projectId = id('prj');
export const runnerId = id('run');
export const templateId = id('tpl');
export const inventoryId = id('inv');
export const repositoryId = id('rep');
export const keyId = id('key');
export const environmentId = id('env');
export const integrationId = id('int');
export const integrationEventId = id('iev');
export const scheduleId = id('sch');
export const taskId = id('tsk');
export const registrationTokenId = id('reg');
export const apiTokenId = id('tok');
export const sessionId = id('ses');
export const userId = id('usr');
export const loginId = id('lgn');
export const invitationId = id('ivt');
export const auditEventId = id('aud');

export type ProjectId = z.infer<typeof projectId>;
export type RunnerId = z.infer<typeof runnerId>;
export type TemplateId = z.infer<typeof templateId>;
export type InventoryId = z.infer<typeof inventoryId>;
export type RepositoryId = z.infer<typeof repositoryId>;
export type KeyId = z.infer<typeof keyId>;
export type EnvironmentId = z.infer<typeof environmentId>;
export type IntegrationId = z.infer<typeof integrationId>;
export type IntegrationEventId = z.infer<typeof integrationEventId>;
export type ScheduleId = z.infer<typeof scheduleId>;
export type TaskId = z.infer<typeof taskId>;
export type RegistrationTokenId = z.infer<typeof registrationTokenId>;
export type ApiTokenId = z.infer<typeof apiTokenId>;
export type SessionId = z.infer<typeof sessionId>;
export type UserId = z.infer<typeof userId>;
export type LoginId = z.infer<typeof loginId>;
export type InvitationId = z.infer<typeof invitationId>;
export type AuditEventId = z.infer<typeof auditEventId>;
