import { expect, it } from 'vitest';
import { rideOut } from './ride-out.ts';

const answering = (...answers: (Response | Error)[]) => {
  const pauses: number[] = [];
  const call = rideOut(
    async () => {
      const [next = new Error('refused')] = answers.splice(0, 1);
      if (next instanceof Error) throw next;
      return next;
    },
    async (ms) => pauses.push(ms),
  );
  return { call, pauses };
};
const gateway = () => Response.json({ message: 'Internal Server Error' }, { status: 500 });

it('retries after an error of the gateway and after no answer', async () => {
  const { call, pauses } = answering(gateway(), new Error('refused'), Response.json({ fine: true }));
  expect(await (await call('http://localhost/api')).json()).toEqual({ fine: true });
  expect(pauses).toEqual([250, 500]);
});

it('returns an answer of the API at once, also an error of its own', async () => {
  const headers = { 'content-type': 'application/problem+json' };
  const { call, pauses } = answering(new Response('{}', { status: 500, headers }));
  expect((await call('http://localhost/api')).status).toBe(500);
  expect(pauses).toEqual([]);
});

it('fails with a readable message when no call gets an answer', async () => {
  const { call } = answering();
  await expect(call('http://localhost/api', { method: 'POST' })).rejects.toThrow(
    /^POST http:\/\/localhost\/api got no answer \(.*\), 8 times in a row\. Stop other work/,
  );
});
