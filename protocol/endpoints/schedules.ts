/** Endpoints of schedules. */
import { scheduleId } from '../ids.ts';
import {
  schedule,
  scheduleInput,
  schedulePreview,
  schedulePreviewQuery,
  scheduleUpdate,
} from '../schedule.ts';
import { answer, endpoint } from './endpoint.ts';
import { resourceEndpoints } from './resources.ts';

export const previewSchedule = endpoint({
  operationId: 'previewSchedule',
  method: 'get',
  path: '/api/schedule-preview',
  access: 'person',
  tag: 'Schedules',
  summary: 'Explain a cron expression, and list its next runs',
  request: { query: schedulePreviewQuery },
  responses: { 200: answer('The expression in words, and its next runs', schedulePreview) },
});

export const schedules = resourceEndpoints({
  one: 'schedule',
  many: 'schedules',
  tag: 'Schedules',
  id: { scheduleId },
  input: scheduleInput,
  update: scheduleUpdate,
  output: schedule,
  replaceNote:
    'Secret answers that are not sent stay while the template is the same; null or an empty answer removes one.',
});
