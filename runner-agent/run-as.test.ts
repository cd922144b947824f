import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findUser } from './run-as.ts';
import { runTask } from './task-runner.ts';
import { aPayload, heldTasks } from './testing/builders.ts';
import { systemTiming } from './timing.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-as-'));
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true }));

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('a task of another user', () => {
  it('runs as that user, in folders that are its own, and leaves none of them', async () => {
    const runAs = await findUser('nobody');
    const payload = aPayload({
      script: 'id -un; id -Gn; echo "$USER"; touch "$HOME/a" "$TMPDIR/b" c; cat "$SECRET_FILE"; ls /root',
      secretFiles: { SECRET_FILE: 'from the file\n' },
    });
    let output = '';
    const result = await runTask({
      payload,
      task: heldTasks().add(payload.projectId, payload.taskId),
      output: {
        write: async (stream, text) => {
          if (stream !== 'agent') output += text;
        },
        end: async () => undefined,
      },
      workDir: join(folder, 'work'),
      path: process.env.PATH ?? '',
      killGraceMs: 100,
      awaitConfirmation: async () => undefined,
      timing: systemTiming,
      runAs,
    });
    expect(output).toContain('nobody\nnogroup\nnobody\nfrom the file\n');
    expect(output).toMatch(/\/root.*Permission denied/);
    expect(result.status).toBe('error');
    expect(await readdir(join(folder, 'work', 'tasks'))).toEqual([]);
  });

  it('is refused when there is no such user', async () => {
    await expect(findUser('no-such-user')).rejects.toThrow('There is no user no-such-user');
  });
});
