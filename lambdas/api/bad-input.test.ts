/** Wrong requests by people: each gets its own status and code, and leaves every item unchanged. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { newId } from '../adapters/ids.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';
import {
  expectRefusal,
  get,
  ofMebibytes,
  openTwoProjects,
  post,
  put,
  type Row,
  remove,
  type TwoProjects,
} from './testing/two-projects.ts';

let table: TestTable;
let api: ApiFixture;
let fixture: TwoProjects;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  fixture = await openTwoProjects(api);
});
afterAll(() => table?.close());

const project = { name: 'A name' };
const base64url = (text: string): string => Buffer.from(text).toString('base64url');

const aTemplate = (fields: object = {}) => ({ name: 'T', app: 'bash', script: 'true', ...fields });
const noPath = { script: undefined, path: 'play.yml' };
const anInventory = (fields: object = {}) => ({ name: 'I', type: 'static', content: 'a', ...fields });
const aRunner = (fields: object = {}) => ({ name: 'R', ...fields });

const whoIsIt: readonly Row[] = [
  ['no token', 401, 'unauthenticated', () => ['GET', '/api/projects', { token: null }]],
  [
    'another scheme than Bearer',
    401,
    'unauthenticated',
    () => ['GET', '/api/projects', { token: null, headers: { authorization: 'Basic YTpi' } }],
  ],
  ['a token that never was', 401, 'unauthenticated', () => ['GET', '/api/projects', { token: 'nonsense' }]],
  [
    'the token of nobody',
    401,
    'unauthenticated',
    () => ['GET', '/api/projects', { token: `${newId('tok')}.${'a'.repeat(43)}` }],
  ],
  [
    "an API token's id with another secret",
    401,
    'unauthenticated',
    (_w, api) => ['GET', '/api/projects', { token: `${api.adminToken.split('.')[0]}.${'a'.repeat(43)}` }],
  ],
  [
    "a runner's token where people belong",
    401,
    'unauthenticated',
    (w) => post('/api/projects', project, w.mine.busy.token),
  ],
  [
    "an agent's session where people belong",
    401,
    'unauthenticated',
    (w) => ['DELETE', w.mine.base, { token: w.mine.session }],
  ],
];

const form: readonly Row[] = [
  ['malformed JSON', 400, 'malformed_json', () => ['POST', '/api/projects', { rawBody: '{"name":' }]],
  ['an empty body', 400, 'malformed_json', () => ['POST', '/api/projects', { rawBody: '' }]],
  [
    'JSON under another name',
    415,
    'unsupported_media_type',
    () => ['POST', '/api/projects', { body: project, headers: { 'content-type': 'text/plain' } }],
  ],
  [
    'a form',
    415,
    'unsupported_media_type',
    () => [
      'POST',
      '/api/projects',
      { rawBody: 'name=A', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
  ],
  [
    'a body over 1 MiB',
    413,
    'body_too_large',
    () => post('/api/projects', { name: 'A', description: ofMebibytes(1) }),
  ],
  ['null for a body', 422, 'invalid_request', () => ['POST', '/api/projects', { rawBody: 'null' }]],
  ['an array for a body', 422, 'invalid_request', () => post('/api/projects', [project])],
  ['a project without a name', 422, 'invalid_request', () => post('/api/projects', {})],
  ['a name of blanks', 422, 'invalid_request', () => post('/api/projects', { name: '   ' })],
  ['a name that is a number', 422, 'invalid_request', () => post('/api/projects', { name: 5 })],
  [
    'a field that nobody knows',
    422,
    'invalid_request',
    () => post('/api/projects', { ...project, owner: 1 }),
  ],
  ['an id in the body', 422, 'invalid_request', (w) => put(w.mine.base, { ...project, id: w.theirs.id })],
  ['a path that leads nowhere', 404, 'not_found', () => get('/api/nowhere')],
  ['a method that the path does not take', 405, 'method_not_allowed', (w) => ['PATCH', w.mine.base]],
  ['DELETE of a whole listing', 405, 'method_not_allowed', () => remove('/api/projects')],
];

const resources: readonly Row[] = [
  ['an unknown project', 404, 'not_found', () => get(`/api/projects/${newId('prj')}`)],
  ['an id that can be no id', 404, 'not_found', () => get('/api/projects/1')],
  ['an id with a path in it', 404, 'not_found', () => get('/api/projects/..%2Ftokens')],
  ["an unknown project's templates", 404, 'not_found', () => get(`/api/projects/${newId('prj')}/templates`)],
  [
    'a template for an unknown project',
    404,
    'not_found',
    () => post(`/api/projects/${newId('prj')}/templates`, aTemplate()),
  ],
  [
    "another project's template",
    404,
    'not_found',
    (w) => get(`${w.mine.base}/templates/${w.theirs.templateId}`),
  ],
  [
    "a change of another project's template",
    404,
    'not_found',
    (w) => put(`${w.mine.base}/templates/${w.theirs.templateId}`, aTemplate()),
  ],
  [
    "the removal of another project's template",
    404,
    'not_found',
    (w) => remove(`${w.mine.base}/templates/${w.theirs.templateId}`),
  ],
  ["another project's key", 404, 'not_found', (w) => get(`${w.mine.base}/keys/${w.theirs.keyId}`)],
  [
    'a key where a template belongs',
    404,
    'not_found',
    (w) => get(`${w.mine.base}/templates/${w.mine.keyId}`),
  ],
  [
    'a template with neither script nor path',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ script: undefined })),
  ],
  [
    'a template with both script and path',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ path: 'a.sh' })),
  ],
  [
    'a template with a path in no repository',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate(noPath)),
  ],
  [
    'a path that leaves the repository',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ ...noPath, path: 'a/../../etc/passwd' })),
  ],
  [
    'an unknown app',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ app: 'perl' })),
  ],
  [
    'half a millisecond',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ timeoutMs: 1000.5 })),
  ],
  ...[20_261_130_120_000_000, -1e17, 1e200, 1e-200].map(
    (build): Row => [
      `a template with the extra variable ${build}, which DynamoDB or its client cannot store`,
      422,
      'invalid_request',
      (w) =>
        post(`${w.mine.base}/templates`, aTemplate({ app: 'ansible', ansible: { extraVars: { build } } })),
    ],
  ),
  [
    'an inventory that never was',
    422,
    'invalid_reference',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ inventoryId: newId('inv') })),
  ],
  [
    "another project's inventory in a template",
    422,
    'invalid_reference',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ inventoryId: w.theirs.inventoryId })),
  ],
  [
    "another project's inventory in a change of a template",
    422,
    'invalid_reference',
    (w) =>
      put(`${w.mine.base}/templates/${w.mine.templateId}`, aTemplate({ inventoryId: w.theirs.inventoryId })),
  ],
  [
    "another project's key in an inventory",
    422,
    'invalid_reference',
    (w) => post(`${w.mine.base}/inventories`, anInventory({ keyId: w.theirs.keyId })),
  ],
  [
    "another project's key in a repository",
    422,
    'invalid_reference',
    (w) => post(`${w.mine.base}/repositories`, { name: 'R', url: '/srv/a.git', keyId: w.theirs.keyId }),
  ],
  [
    'a template where an inventory belongs',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/templates`, aTemplate({ inventoryId: w.mine.templateId })),
  ],
  [
    'an unknown type of inventory',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/inventories`, anInventory({ type: 'dynamic' })),
  ],
  [
    'a path in a static inventory',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/inventories`, { name: 'I', type: 'static', path: 'hosts' }),
  ],
  [
    'an option of git for a URL',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/repositories`, { name: 'R', url: '--upload-pack=touch /tmp/x' }),
  ],
  [
    'a transport of git that runs programs',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/repositories`, { name: 'R', url: 'ext::sh -c date' }),
  ],
  [
    'an SSH key without the key',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/keys`, { name: 'K', secret: { type: 'ssh' } }),
  ],
  [
    'an unknown type of key',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/keys`, { name: 'K', secret: { type: 'pgp', value: 'x' } }),
  ],
  [
    'a variable whose name sets two',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/environments`, { name: 'E', variables: { 'A=1;B': '2' } }),
  ],
  [
    'a secret that is no text',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/environments`, { name: 'E', secrets: { A: 1 } }),
  ],
  ['the removal of a key in use', 409, 'in_use', (w) => remove(`${w.mine.base}/keys/${w.mine.keyId}`)],
  [
    'the removal of an inventory in use',
    409,
    'in_use',
    (w) => remove(`${w.mine.base}/inventories/${w.mine.inventoryId}`),
  ],
  [
    'the removal of a template that runs',
    409,
    'in_use',
    (w) => remove(`${w.mine.base}/templates/${w.mine.templateId}`),
  ],
  ['the removal of a project at work', 409, 'in_use', (w) => remove(w.mine.base)],
];

const runners: readonly Row[] = [
  [
    'a runner with −1 slots',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ maxParallelTasks: -1 })),
  ],
  [
    'a number of slots as text',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ maxParallelTasks: '1' })),
  ],
  [
    'a tag that no queue can be named after',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ tags: ['a b'] })),
  ],
  [
    'an instance id that is none',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ instanceId: 'i-xyz' })),
  ],
  [
    'a region that is none',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ region: 'Dublin' })),
  ],
  [
    'a webhook URL that is not of the web',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ webhookUrl: 'file:///etc/passwd' })),
  ],
  [
    'a webhook URL at the address of instance metadata',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ webhookUrl: 'http://169.254.169.254/latest' })),
  ],
  [
    'a webhook URL at this machine',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/runners`, aRunner({ webhookUrl: 'http://127.1:8080/' })),
  ],
  [
    'a global runner with tags',
    422,
    'invalid_request',
    () => post('/api/runners', aRunner({ tags: ['sydney'] })),
  ],
  [
    'a runner for an unknown project',
    404,
    'not_found',
    () => post(`/api/projects/${newId('prj')}/runners`, aRunner()),
  ],
  [
    'an instance that is taken',
    409,
    'instance_taken',
    (w) => post(`${w.mine.base}/runners`, aRunner({ instanceId: 'i-0123456789abcdef1' })),
  ],
  [
    "another project's runner",
    404,
    'not_found',
    (w) => get(`${w.mine.base}/runners/${w.theirs.asleep.runner.id}`),
  ],
  [
    "a change of another project's runner",
    404,
    'not_found',
    (w) => put(`${w.mine.base}/runners/${w.theirs.asleep.runner.id}`, aRunner()),
  ],
  [
    "the removal of another project's runner",
    404,
    'not_found',
    (w) => remove(`${w.mine.base}/runners/${w.theirs.asleep.runner.id}`),
  ],
  [
    "a project's runner among the global ones",
    404,
    'not_found',
    (w) => get(`/api/runners/${w.mine.asleep.runner.id}`),
  ],
  [
    'the removal of a runner at work',
    409,
    'in_use',
    (w) => remove(`${w.mine.base}/runners/${w.mine.busy.runner.id}`),
  ],
  [
    'another instance for a runner at work',
    409,
    'not_asleep',
    (w) =>
      put(`${w.mine.base}/runners/${w.mine.busy.runner.id}`, aRunner({ instanceId: 'i-0123456789abcdef9' })),
  ],
  [
    'a registration token for ever',
    422,
    'invalid_request',
    (w) => post(`${w.mine.base}/registration-tokens`, { expiresInMs: 1e12 }),
  ],
  [
    'a global registration token with tags',
    422,
    'invalid_request',
    () => post('/api/registration-tokens', { tags: ['a'] }),
  ],
];

const tasks: readonly Row[] = [
  ['a task of no template', 422, 'invalid_request', (w) => post(`${w.mine.base}/tasks`, {})],
  [
    'a task of an unknown template',
    422,
    'invalid_reference',
    (w) => post(`${w.mine.base}/tasks`, { templateId: newId('tpl') }),
  ],
  [
    "a task of another project's template",
    422,
    'invalid_reference',
    (w) => post(`${w.mine.base}/tasks`, { templateId: w.theirs.templateId }),
  ],
  [
    'a task in an unknown project',
    404,
    'not_found',
    (w) => post(`/api/projects/${newId('prj')}/tasks`, { templateId: w.mine.templateId }),
  ],
  ["another project's task", 404, 'not_found', (w) => get(`${w.mine.base}/tasks/${w.theirs.running.id}`)],
  [
    "a stop of another project's task",
    404,
    'not_found',
    (w) => ['POST', `${w.mine.base}/tasks/${w.theirs.running.id}/stop`],
  ],
  [
    'a stop of a task that has ended',
    409,
    'already_ended',
    (w) => ['POST', `${w.mine.base}/tasks/${w.mine.ended.id}/stop`],
  ],
  ['a cursor that is no base64url', 422, 'invalid_request', (w) => get(`${w.mine.base}/tasks?cursor=%00`)],
  [
    'a cursor that somebody made up',
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/tasks?cursor=${base64url('{"pk":"tokens","sk":"tok_"}')}`),
  ],
  [
    'a cursor of another listing',
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/tasks?cursor=${base64url(w.mine.deliveryId)}`),
  ],
  ['a page of nothing', 422, 'invalid_request', (w) => get(`${w.mine.base}/tasks?limit=0`)],
  ['a page of everything', 422, 'invalid_request', (w) => get(`${w.mine.base}/tasks?limit=1000000`)],
  ['a limit in words', 422, 'invalid_request', (w) => get(`${w.mine.base}/tasks?limit=all`)],
  ['an unknown status', 422, 'invalid_request', (w) => get(`${w.mine.base}/tasks?status=done`)],
  ["another project's log", 404, 'not_found', (w) => get(`${w.mine.base}/tasks/${w.theirs.running.id}/log`)],
  [
    'a log from before its start',
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/tasks/${w.mine.running.id}/log?offset=-1`),
  ],
  [
    'the log of an attempt to come',
    404,
    'not_found',
    (w) => get(`${w.mine.base}/tasks/${w.mine.running.id}/log?attempt=2`),
  ],
  [
    'a delivery that never was',
    404,
    'not_found',
    (w) => ['POST', `${w.mine.base}/deliveries/msg_nothing/send`],
  ],
  [
    "another project's delivery",
    404,
    'not_found',
    (w) => ['POST', `${w.mine.base}/deliveries/${w.theirs.deliveryId}/send`],
  ],
  [
    "a task's id for a delivery's",
    404,
    'not_found',
    (w) => ['POST', `${w.mine.base}/deliveries/${w.mine.running.id}/send`],
  ],
  [
    "a task's deliveries from a cursor of another task's",
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/tasks/${w.mine.ended.id}/deliveries?cursor=${base64url(w.mine.deliveryId)}`),
  ],
  [
    'deliveries from a cursor of tasks',
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/deliveries?cursor=${base64url(w.mine.running.id)}`),
  ],
  [
    'costs from a day that is none',
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/costs?from=yesterday`),
  ],
  [
    'costs of a window that ends before it begins',
    422,
    'invalid_request',
    (w) => get(`${w.mine.base}/costs?from=2026-02-01T00:00:00.000Z&to=2026-01-01T00:00:00.000Z`),
  ],
];

describe.each([
  ['who is it', whoIsIt],
  ['form', form],
  ['resources', resources],
  ['runners', runners],
  ['tasks', tasks],
] as const)('a wrong request (%s)', (_group, rows) => {
  it.each(rows)('is refused without a change: %s: %i %s', (...row) =>
    expectRefusal(table, api, fixture, row),
  );
});
