import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import * as z from 'zod';
import { listenOnLoopback, stopServer } from '../../local/http-server.ts';
import type { LocalStack } from '../../local/stack.ts';
import { localContext, templatesIn } from '../../local/template/synth.ts';
import { itOnOwnStack } from '../fixture.ts';
import { templatesOf } from '../templates.ts';

const it = itOnOwnStack({ context: localContext });
let stack: LocalStack;
it.beforeAll(async ({ own }) => {
  ({ stack } = own);
});

it('serves every page from the bucket, under the content security policy of the template', async () => {
  for (const path of ['/', '/projects/prj_1/tasks']) {
    const answer = await fetch(`${stack.outputs.ConsoleUrl}${path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect(await answer.text()).toMatch(/^<!doctype html>/i);
  }
  const missing = await fetch(`${stack.url}/api/nothing`, {
    headers: { authorization: `Bearer ${stack.adminToken}` },
  });
  expect(missing.headers.get('content-type')).toBe('application/problem+json');
});

const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()) }),
  ),
});

it('empties the bucket when CloudFormation deletes the console', async () => {
  const answers: string[] = [];
  const cloudFormation = createServer(async (request, response) => {
    answers.push(await text(request));
    response.end();
  });
  const port = await listenOnLoopback(cloudFormation, 0);
  const { Resources } = template.parse(
    JSON.parse(readFileSync(templatesIn(await templatesOf()).control.path, 'utf8')),
  );
  const [bucket = ''] = Object.entries(Resources).find(([, { Type }]) => Type === 'AWS::S3::Bucket') ?? [];
  await stack.invoke('ConsoleFilesFunction', {
    RequestType: 'Delete',
    ResponseURL: `http://127.0.0.1:${port}/`,
    ResourceProperties: { Bucket: `reveille-${bucket.toLowerCase()}` },
  });
  await stopServer(cloudFormation);
  expect(answers.map((answer) => JSON.parse(answer))).toMatchObject([{ Status: 'SUCCESS' }]);
  expect((await fetch(`${stack.url}/`)).status).toBe(404);
});
