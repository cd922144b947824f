import { describe, expect, it } from 'vitest';
import { receivedWebhookBody } from '../../../protocol/index.ts';
import { parseWebhookBody } from './webhook-body.ts';

const body = { action: 'start', project_id: 1, task_id: '2', template_id: 3, runner_id: 4, attempt: 1 };
const parse = (given: unknown) => parseWebhookBody(receivedWebhookBody, JSON.stringify(given));

describe('the body of a webhook', () => {
  it('may have numbers for ids', () => {
    expect(parse(body)).toMatchObject({ ok: true, body: { project_id: '1', task_id: '2' } });
  });

  it('is refused differently when it is not JSON and when it is not a webhook', () => {
    expect(parseWebhookBody(receivedWebhookBody, '{')).toMatchObject({ ok: false, code: 'malformed_json' });
    expect(parse([])).toMatchObject({ ok: false, code: 'invalid_request' });
  });

  it('is refused in sentences, field by field', () => {
    expect(parse({ ...body, action: 'begin', attempt: 0 })).toMatchObject({
      code: 'invalid_request',
      detail: `The body is not a webhook. ✖ must be start or finish
  → at action
✖ must be 1 or more
  → at attempt`,
    });
  });
});
