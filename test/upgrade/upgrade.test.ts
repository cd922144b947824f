/** Data stored by an earlier version keeps its meaning: one test for each dump beside this file. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { hasEnded } from '../../protocol/index.ts';
import { apiClient, type Client, until } from '../client.ts';
import { templatesOf } from '../templates.ts';
import { type Restored, restore } from './restore.ts';

const versions = readdirSync(import.meta.dirname).filter((name) => /^\d+\.\d+\.\d+$/.test(name));

/** Kinds of stored items, by their key prefixes (docs/contributing/architecture.md, "The table"). */
const kinds = [
  ...[
    'tpl',
    'inv',
    'rep',
    'key',
    'env',
    'int',
    'sch',
    'run',
    'tsk',
    'msg',
    'ses',
    'reg',
    'ivt',
    'dek',
    'end',
  ].map((kind) => `prj_|${kind}_`),
  ...[
    'prj_|lim_tpl',
    'prj_|lim_prj',
    'global|run_',
    'global|reg_',
    'projects|prj_',
    'users|usr_',
    'tokens|tok_',
  ],
  ...['integration#|iev_', 'integration#|seen#', 'audit#prj_|aud_', 'audit#stack|aud_', 'email#|user'],
  ...[
    'instance#|binding',
    'fleets|',
    'prices|',
    'semaphore|smh_',
    'circuit#|state',
    'attempts#|',
    'tsk_|0000',
  ],
  ...['seen#enrolment#|', 'seen#msg_|', 'stack|first-token', 'stack|secrets', 'stack|secret-rotation'],
  ...['stack|sign-in-provider', 'stack|dek_'],
];

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
});
const identified = z.looseObject({ id: z.string() });

describe.each(versions)('a stack with the data of version %s', (version) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-upgrade-'));
  const said: string[] = [];
  let restored: Restored;
  let api: Client;
  beforeAll(async () => {
    restored = await restore(version, dataDir, await templatesOf(), (source, line) =>
      said.push(`${source}: ${line}`),
    );
    api = apiClient(restored.stack.url, restored.adminToken);
  });
  afterAll(async () => {
    await restored?.stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('has every kind of item', () => {
    const held = restored.items.map(({ pk, sk }) => `${pk?.S}|${sk?.S}`);
    const isHeld = (kind: string) => {
      const [pk = '', sk = ''] = kind.split('|');
      return held.some((key) => key.startsWith(pk) && (key.split('|')[1] ?? '').startsWith(sk));
    };
    expect(kinds.filter((kind) => !isHeld(kind))).toEqual([]);
  });

  it('answers every page of the API', async () => {
    const { projectId } = restored;
    const { paths } = document.parse(await api.call('GET', '/api/openapi.json'));
    const reads = Object.entries(paths).filter(
      ([path, { get }]) => get && !path.includes('sign-in-provider/'),
    );
    const idsOf = async (list: string) =>
      z.object({ items: z.array(identified) }).parse(await api.call('GET', list)).items;
    /** Returns the paths with each id in the list before a parameter; for tasks, the 20 newest. */
    const fill = async (path: string): Promise<string[]> => {
      const known = path.replace('{projectId}', projectId);
      const parameter = /^(.*?)\/\{(\w+)\}/.exec(known);
      if (!parameter) return [known];
      const [all, list = ''] = parameter;
      const found = (await idsOf(list)).slice(0, 20);
      return (await Promise.all(found.map(({ id }) => fill(known.replace(all, `${list}/${id}`))))).flat();
    };
    const needs: Readonly<Record<string, string>> = {
      exportAudit: '?format=jsonl',
      exportStackAudit: '?format=csv',
      getCostHistory: '?timeZone=UTC',
      getRouting: `?templateId=${(await idsOf(`/api/projects/${projectId}/templates`))[0]?.id}`,
      previewSchedule: '?cron=0%209%20*%20*%201',
    };
    const urls = await Promise.all(
      reads.map(async ([path, { get }]) =>
        (await fill(path)).map((url) => `${url}${needs[get?.operationId ?? ''] ?? ''}`),
      ),
    );
    const failures: string[] = [];
    for (const url of urls.flat()) {
      const headers = { authorization: `Bearer ${restored.adminToken}` };
      const response = await fetch(`${restored.stack.url}${url}`, { headers });
      if (!response.ok) failures.push(`${url}: ${response.status} ${await response.text()}`);
      else await response.arrayBuffer();
    }
    expect(urls.flat().length).toBeGreaterThan(120);
    expect(failures).toEqual([]);
    expect(said.filter((line) => /"level":"ERROR"|unreadable/.test(line))).toEqual([]);
  });

  it('continues running and waiting work, and runs a new task on a runner of that version', async () => {
    const { projectId, stack } = restored;
    const tasksPath = `/api/projects/${projectId}/tasks`;
    const list = async (query: string) =>
      z.object({ items: z.array(identified) }).parse(await api.call('GET', `${tasksPath}?${query}`)).items;
    // From the dump: the reconciler, which runs each minute, may have put it back to waiting by now.
    const ran = restored.items.find(({ id, status }) => id?.S?.startsWith('tsk_') && status?.S === 'running');
    const { items: templates } = z
      .object({ items: z.array(identified.extend({ name: z.string() })) })
      .parse(await api.call('GET', `/api/projects/${projectId}/templates`));
    const deploy = templates.find(({ name }) => name === 'Deploy the shop');
    const fresh = await api.startTask(projectId, deploy?.id ?? '');
    await until('the new task has ended', 120_000, async () =>
      hasEnded((await api.getTask(projectId, fresh.id)).status),
    );
    expect((await api.getTask(projectId, fresh.id)).status).toBe('success');

    // Its agent is gone with the old machine: the lease expires, and the reconciler starts another attempt.
    const id = z.custom<`tsk_${string}`>().parse(ran?.id?.S);
    await until('what ran has a second attempt', 120_000, async () => {
      await stack.invoke('Reconcile', {});
      const { attempt, status } = await api.getTask(projectId, id);
      return attempt === 2 && status === 'running';
    });
    await api.stopTask(projectId, id);
    await until('what waited for the slot has ended', 120_000, async () => {
      await stack.invoke('Reconcile', {});
      const waiting = await list('status=waiting');
      return waiting.length > 0 && waiting.every(({ templateName }) => isWithoutRunner(templateName));
    });
  });
});

const isWithoutRunner = (templateName: unknown): boolean =>
  templateName === 'Waits for a runner of its tag' || templateName === 'Fail over to Frankfurt';
