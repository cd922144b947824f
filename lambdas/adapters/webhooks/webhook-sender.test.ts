import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { toInstant } from '../../../protocol/index.ts';
import { addressGuard, isAllowance } from '../address-guard.ts';
import { httpWebhookSender } from './webhook-sender.ts';

const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
const body = {
  action: 'start',
  project_id: 'prj_01J0000000000000000000000A',
  task_id: 'tsk_01J0000000000000000000000A',
  template_id: 'tpl_01J0000000000000000000000A',
  runner_id: 'run_01J0000000000000000000000A',
  attempt: 1,
  sent_at: toInstant(0),
} as const;
const now = () => toInstant(Date.now());

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const receiver = async (answer: RequestListener) => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { port, count: () => requests };
};
const send = (url: string, allowed: readonly string[] = ['127.0.0.0/8'], timeoutMs?: number) =>
  httpWebhookSender(now, addressGuard(allowed), timeoutMs)({ id: 'msg_1', url, body }, secret);

describe('the sender of webhooks', () => {
  it('records the answer of the receiver', async () => {
    const { port } = await receiver((_, response) =>
      response.writeHead(422, { 'content-type': 'text/plain', 'set-cookie': 'a=b' }).end('no such runner'),
    );
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({
      statusCode: 422,
      response: { headers: { 'content-type': 'text/plain' }, body: 'no such runner' },
    });
  });

  it('records at most 4,096 bytes, whole characters only, and reads no further', async () => {
    const { port } = await receiver((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('é'.repeat(50_000)));
      };
      response.on('drain', more);
      response.writeHead(500);
      response.write('x');
      more();
    });
    const { response } = await send(`http://127.0.0.1:${port}/`);
    expect(response?.isCut).toBe(true);
    expect(response?.body).toBe(`x${'é'.repeat(2047)}`);
  });

  it('follows no redirect', async () => {
    const target = await receiver((_, response) => response.writeHead(204).end());
    const { port } = await receiver((_, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${target.port}/` }).end(),
    );
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ statusCode: 307 });
    expect(target.count()).toBe(0);
  });

  it.each([
    ['never answers', () => {}],
    [
      'never ends its answer',
      (_: unknown, response: { write(text: string): unknown }) => response.write('a'),
    ],
  ] satisfies [string, RequestListener][])('gives up on a receiver that %s', async (_, answer) => {
    const { port } = await receiver(answer);
    const attempt = await send(`http://127.0.0.1:${port}/`, ['127.0.0.0/8'], 100);
    expect(attempt.error).toBe('No whole answer came within 0.1 s.');
    expect(attempt.statusCode).toBeUndefined();
  });

  it('connects to no private address, written in the URL or resolved from a name', async () => {
    const { port, count } = await receiver((_, response) => response.writeHead(204).end());
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
      const attempt = await send(`http://${host}:${port}/`, []);
      expect(attempt.error, host).toMatch(/is not a public address/);
    }
    expect(count()).toBe(0);
  });

  it('checks the addresses of a name when it connects', async () => {
    const { port, count } = await receiver((_, response) => response.writeHead(204).end());
    const { refuse: _, ...byAddress } = addressGuard();
    const sender = httpWebhookSender(now, { ...byAddress, refuse: () => undefined });
    const attempt = await sender({ id: 'msg_1', url: `http://localhost:${port}/`, body }, secret);
    expect(attempt.error).toMatch(/^localhost \((127\.0\.0\.1|::1)\) is not a public address/);
    expect(count()).toBe(0);
  });

  it('connects to a host name that the owner of the stack allows', async () => {
    const { port } = await receiver((_, response) => response.writeHead(204).end());
    expect(await send(`http://localhost:${port}/`, ['localhost'])).toMatchObject({ statusCode: 204 });
  });
});

describe('the guard of addresses', () => {
  it.each([
    'http://10.1.2.3/',
    'http://172.31.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://100.64.0.1/',
    'http://0.0.0.0/',
    'http://255.255.255.255/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://[::]/',
    'http://[::ffff:10.0.0.1]/',
    'http://[64:ff9b::a00:1]/',
    'http://[2002:a00:1::]/',
    'http://localhost./',
    'http://app.localhost/',
  ])('refuses %s', (url) => {
    expect(addressGuard().refuse(url)).toBeDefined();
  });

  it.each(['https://1.1.1.1/', 'https://[2606:4700:4700::1111]/', 'https://hooks.example.com/x'])(
    'lets %s through',
    (url) => {
      expect(addressGuard().refuse(url)).toBeUndefined();
    },
  );

  it('accepts only ranges, addresses and names as allowed entries', () => {
    expect(['10.0.0.0/8', '::1', 'fd00::/8', 'hooks.internal', 'localhost'].filter(isAllowance)).toHaveLength(
      5,
    );
    expect(['10.0.0.0/33', 'http://a/', '', 'a b', '*'].filter(isAllowance)).toEqual([]);
    expect(addressGuard(['10.0.0.0/8']).refuse('http://10.1.2.3/')).toBeUndefined();
    expect(addressGuard(['fd00::/8']).refuse('http://[fd00::1]/')).toBeUndefined();
  });
});
