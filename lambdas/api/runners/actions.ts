/** Routes of actions on a runner: drain, sleep, wake, resume, token rotation. */
import { publicRunner } from '../../adapters/runners/runner-record.ts';
import { isPoweredByStack } from '../../core/tasks/select-runner.ts';
import { drainRunner, resumeRunner, sleepRunner, wakeRunner } from '../../flows/runners/owner-requests.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { answer, describe, jsonBody, people, routes } from '../route.ts';
import { rotatedTokenSchema, rotationInputSchema, runnerSchema } from '../schemas.ts';
import { rotateToken } from './new-runner.ts';
import { whyNotAsleep, whyNotWoken } from './refusals.ts';
import { poolIn, type RunnerPlace } from './scope.ts';

export const runnerActRoutes = (deps: ApiDeps, { path, name, tag, itemParams }: RunnerPlace) => {
  const itemPath = `${path}/{runnerId}`;
  const shared = { tags: [tag], security: people };
  const itemRequest = { params: itemParams };
  const find = (params: Readonly<Record<string, string>>) =>
    deps.runners.get(poolIn(params), params.runnerId ?? '');

  return routes<PersonEnv>()
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/drain`,
          operationId: `drain${name}`,
          summary: 'Have a runner take no task any more',
          description:
            'What it holds finishes there or is handed back, as each template says (`onDrain`). It lasts until the runner is resumed or its agent starts again; to keep it out for good, make it inactive.',
          request: itemRequest,
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'asleep',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const draining = await drainRunner(deps, found);
        return draining
          ? c.json(publicRunner(draining), 200)
          : refuse(c, 'asleep', `It is ${found.status} and holds nothing. To keep it so, make it inactive.`);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/sleep`,
          operationId: `sleep${name}`,
          summary: 'Stop the instance of an idle runner now, before its idle timeout',
          description:
            'It is woken again by the next task. To keep it from tasks, drain it or make it inactive.',
          request: itemRequest,
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'in_use',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const asleep = isPoweredByStack(found) && (await sleepRunner(deps, found));
        if (asleep) return c.json(publicRunner(asleep), 200);
        const now = (await find(c.req.param())) ?? found;
        return refuse(c, 'in_use', whyNotAsleep(now));
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/wake`,
          operationId: `wake${name}`,
          summary: 'Start the instance of a runner without a task',
          description:
            'It stays on for its idle timeout once its agent is online. One that is up already stays as it is; one that stops is started again when it has stopped.',
          request: itemRequest,
          responses: { 200: answer('The runner as it is now', runnerSchema) },
        },
        'cannot_be_woken',
      ),
      async (c) => {
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const woken = await wakeRunner(deps, found);
        return woken ? c.json(publicRunner(woken), 200) : refuse(c, 'cannot_be_woken', whyNotWoken(found));
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path: `${itemPath}/resume`,
        operationId: `resume${name}`,
        summary: 'Have a runner that was asked to drain take tasks again',
        request: itemRequest,
        responses: { 200: answer('The runner as it is now', runnerSchema) },
      }),
      async (c) => {
        const found = await find(c.req.param());
        const resumed = found && (await resumeRunner(deps, found));
        return resumed ? c.json(publicRunner(resumed), 200) : refuseUnknown(c, 'runner');
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${itemPath}/rotate-token`,
          operationId: `rotate${name}Token`,
          summary: 'Give a runner another token',
          description:
            'Without a grace, what holds the token before is shut out within a minute: it can neither claim nor renew a lease. Its private key stays; who has that too is shut out all the same.',
          request: { ...itemRequest, body: jsonBody(rotationInputSchema) },
          responses: { 200: answer('The token', rotatedTokenSchema) },
        },
        'try_later',
      ),
      async (c) => {
        const { graceMs } = c.req.valid('json');
        const found = await find(c.req.param());
        if (!found) return refuseUnknown(c, 'runner');
        const token = await rotateToken(deps, found, graceMs);
        return token === undefined
          ? refuse(c, 'try_later', 'Somebody else rotated this token just now. Look before you do it again.')
          : c.json({ token }, 200);
      },
    );
};
