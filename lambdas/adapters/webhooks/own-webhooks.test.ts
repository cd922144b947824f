import { beforeEach, describe, expect, it } from 'vitest';
import { type Delivery, toInstant } from '../../../protocol/index.ts';
import { ownByInvocation } from './own-webhooks.ts';

const body: Delivery['body'] = {
  action: 'start',
  project_id: 'prj_1',
  task_id: 'tsk_1',
  template_id: 'tpl_1',
  runner_id: 'run_1',
  attempt: 1,
  sent_at: toInstant(0),
};
const invoked: object[] = [];
const sent: string[] = [];
let refusal: Error | undefined;
beforeEach(() => {
  refusal = undefined;
  for (const list of [invoked, sent]) list.length = 0;
});

const send = ownByInvocation({
  now: () => toInstant(1000),
  apiUrl: 'https://api.test',
  invoke: async (request) => {
    if (refusal) throw refusal;
    invoked.push(request);
  },
  overHttp: async ({ url }) => {
    sent.push(url);
    return { at: toInstant(1000), durationMs: 3, statusCode: 204 };
  },
});
const sendTo = (url: string) => send({ id: 'msg_1', url, body }, 'whsec_x');

describe("a webhook of the stack's own", () => {
  it('is handed to Lambda with its body', async () => {
    expect(await sendTo('https://api.test/webhooks/task-start')).toEqual({
      at: toInstant(1000),
      durationMs: 0,
      statusCode: 202,
    });
    expect(invoked).toEqual([body]);
    expect(sent).toEqual([]);
  });

  it('has failed when Lambda does not take it', async () => {
    refusal = new Error('Rate Exceeded.');
    const attempt = await sendTo('https://api.test/webhooks/task-finish');
    expect(attempt).toMatchObject({ error: 'Error: Rate Exceeded.' });
    expect(attempt).not.toHaveProperty('statusCode');
  });
});

describe('a webhook to somebody else', () => {
  it.each(['https://receiver.test/webhooks/task-start', 'https://api.test.evil.test/webhooks/task-start'])(
    'is sent to %s over HTTP',
    async (url) => {
      expect(await sendTo(url)).toMatchObject({ statusCode: 204 });
      expect(sent).toEqual([url]);
      expect(invoked).toEqual([]);
    },
  );
});
