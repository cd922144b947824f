/** Parameters of paths and queries that several endpoints share. */
import * as z from 'zod';
import {
  apiTokenId,
  integrationId,
  invitationId,
  projectId,
  registrationTokenId,
  runnerId,
  taskId,
  userId,
} from '../ids.ts';
import { deliveryId } from '../webhook.ts';

/** Query of a listing that returns only the last `limit` rows. */
export const lastQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(50) });

/** Path of a list of a project, such as its "templates". */
export const listPath = (many: string): string => `/api/projects/{projectId}/${many}`;

export const inNothing = z.object({});
export const inProject = z.object({ projectId });
export const inIntegration = z.object({ projectId, integrationId });
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
