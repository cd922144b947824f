/** Routes that read a task's log: page by page while it grows, and complete. */
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { downloadQuery, logQuery, msBetween } from '../../../protocol/index.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { answer, describe, people, routes } from '../route.ts';
import { inTask, logPageSchema } from '../schemas.ts';

/** Longer than an agent's call takes: chunks still missing this long after the task's end never come. */
const lateMs = 60_000;

export const logRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(
      describe({
        tags: ['Tasks'],
        security: people,
        method: 'get',
        path: '/api/projects/{projectId}/tasks/{taskId}/log',
        operationId: 'readLog',
        summary: "Read a task's log from an offset",
        description: 'Ask again from `nextOffset` until `complete`. An attempt that was lost keeps its log.',
        request: { params: inTask, query: logQuery },
        responses: { 200: answer('What there is from that offset on', logPageSchema) },
      }),
      async (c) => {
        const { projectId, taskId } = c.req.valid('param');
        const { offset, attempt: wanted } = c.req.valid('query');
        const task = await deps.tasks.get(projectId, taskId);
        if (!task) return refuseUnknown(c, 'task');
        const attempt = wanted ?? task.attempt;
        if (attempt > task.attempt) {
          return refuse(c, 'not_found', `The task has had ${task.attempt} attempts so far.`);
        }
        const { entries, nextOffset } = await deps.logs.read({ taskId, attempt }, offset);
        // The agent that ends a task reports its log's length; after a lost attempt it is unknown, but
        // writing has stopped.
        const isOver = attempt < task.attempt || hasEnded(task.status);
        const told = attempt === task.attempt ? task.logChunks : undefined;
        const isLate = msBetween(task.finishedAt ?? task.createdAt, deps.now()) >= lateMs;
        const reachesEnd =
          (told !== undefined && nextOffset >= told) ||
          (entries.length === 0 && (told === undefined || isLate));
        return c.json({ attempt, entries, nextOffset, complete: isOver && reachesEnd }, 200);
      },
    )
    .openapi(
      describe({
        tags: ['Tasks'],
        security: people,
        method: 'get',
        path: '/api/projects/{projectId}/tasks/{taskId}/log/download',
        operationId: 'downloadLog',
        summary: "Download a task's log as a gzip file",
        description:
          'Plain text, compressed. A log of more than 3 MiB compressed comes in parts: as long as the answer has a `Link` with `rel="next"`, follow it; the parts, one after the other, are one gzip file. Of a task that runs, what there is by now.',
        request: { params: inTask, query: downloadQuery },
        responses: {
          200: {
            description: 'The file, or a part of it',
            content: { 'application/gzip': { schema: z.string().meta({ format: 'binary' }) } },
          },
        },
      }),
      async (c) => {
        const { projectId, taskId } = c.req.valid('param');
        const { from, attempt: wanted } = c.req.valid('query');
        const task = await deps.tasks.get(projectId, taskId);
        if (!task) return refuseUnknown(c, 'task');
        const attempt = wanted ?? task.attempt;
        const { members, nextOffset, isLast } = await deps.logs.download({ taskId, attempt }, from);
        const next = `${c.req.path}?attempt=${attempt}&from=${nextOffset}`;
        // A gzip file needs at least one member.
        const file = members.length > 0 || from > 0 ? Buffer.concat(members) : gzipSync('');
        return c.body(file, 200, {
          'content-type': 'application/gzip',
          'content-disposition': `attachment; filename="${taskId}-${attempt}.log.gz"`,
          ...(!isLast && { link: `<${next}>; rel="next"` }),
        });
      },
    );
