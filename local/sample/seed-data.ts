/** Data of the sample's project: a web shop's platform team, with machines in two regions. */

import { createHash } from 'node:crypto';
import type { Commit, HostResult } from '../../protocol/index.ts';

/** Users who started the past tasks. The first one is also the admin of a stack without users. */
export const members = [
  { name: 'Ada', email: 'ada@shop.example', role: 'owner' },
  { name: 'Grace', email: 'grace@shop.example', role: 'manager' },
  { name: 'Linus', email: 'linus@shop.example', role: 'task_runner' },
] as const;

/** The sample's runners; EC2's stand-in creates their instances. */
export const runners = [
  { name: 'sydney-1', tags: ['sydney'], maxParallelTasks: 2, instanceType: 't4g.small' },
  { name: 'sydney-2', tags: ['sydney'], maxParallelTasks: 2, instanceType: 't4g.small' },
  { name: 'new-york-1', tags: ['new-york'], maxParallelTasks: 4, instanceType: 't4g.medium' },
  { name: 'build-1', tags: [], maxParallelTasks: 1, instanceType: 'm7g.large' },
] as const;

/**
 * Resources that templates need beside runners. The inventory's tag routes the tasks of a template without
 * one.
 */
export const inventory = {
  name: 'New York hosts',
  type: 'static',
  content: ['[databases]', 'db-1.nyc', 'db-2.nyc', '', '[caches]', 'cache-3.nyc', ''].join('\n'),
  tag: 'new-york',
} as const;
export const environment = {
  name: 'Production',
  variables: { STAGE: 'production', RELEASE_CHANNEL: 'stable' },
  secrets: { SHOP_API_TOKEN: 'a-token-of-the-sample' },
} as const;
export const key = {
  name: 'Container registry',
  secret: { type: 'login_password', login: 'ci', password: 'a-password-of-the-sample' },
} as const;
export const repository = {
  name: 'Playbooks',
  url: 'https://git.shop.example/platform/playbooks.git',
  branch: 'main',
} as const;

/** Commits of the week, oldest first. */
const commits = [
  'Pin the kernel of the databases',
  'Drain a cache before it is patched',
  'Reboot one database at a time',
  'Wait for replication before the next host',
].map((message): Commit => ({ hash: createHash('sha1').update(message).digest('hex'), message }));

const say = (...lines: string[]): string => lines.map((line) => `echo '${line}'\nsleep 0.4`).join('\n');

/** A template, with the frequency, starters, duration and failure rate of its tasks. */
export interface SampleTemplate {
  readonly input: Readonly<Record<string, unknown>> & { readonly name: string };
  /** Commits of its repository; absent for a template with its own script. */
  readonly commits?: readonly Commit[];
  /** True if the template uses the inventory. */
  readonly hasInventory?: boolean;
  /** Host results of a successful and a failed Ansible run. */
  readonly hosts?: { readonly success: HostResult[]; readonly error: HostResult[] };
  /** Starts per working day, or per day for a nightly template. */
  readonly perDay: number;
  readonly isNightly?: boolean;
  /** Users who start it; empty for a template of the schedule. */
  readonly by: readonly string[];
  readonly seconds: readonly [least: number, most: number];
  readonly failureRate: number;
  readonly output: readonly string[];
  readonly failure: string;
}

const ok = '\u001b[32mok\u001b[0m';
const changed = '\u001b[33mchanged\u001b[0m';

const host = (name: string, counts: Partial<HostResult>): HostResult => ({
  host: name,
  ok: 0,
  changed: 0,
  unreachable: 0,
  failed: 0,
  skipped: 0,
  rescued: 0,
  ignored: 0,
  ...counts,
});

export const templates: readonly SampleTemplate[] = [
  {
    input: {
      name: 'Deploy the shop',
      app: 'bash',
      script: say('Fetching release', 'Migrating the database', 'Rolling out to 4 hosts', 'Done'),
      tag: 'sydney',
      survey: [
        { name: 'RELEASE', title: 'Release', type: 'string', required: true, default: '2026.47.1' },
        {
          name: 'CANARY',
          title: 'Canary',
          type: 'enum',
          values: [
            { name: 'No canary', value: 'none' },
            { name: 'One host', value: 'one' },
            { name: 'Half of the hosts', value: 'half' },
          ],
          default: 'one',
        },
      ],
    },
    perDay: 4,
    by: ['Ada', 'Grace', 'Linus'],
    seconds: [70, 260],
    failureRate: 0.12,
    output: [
      'Fetching release 2026.47.1',
      `${ok}: [web-1.syd] schema is at version 214`,
      `${changed}: [web-1.syd] rolled out, 0 of 40 requests failed`,
      `${changed}: [web-2.syd] rolled out, 0 of 40 requests failed`,
      'Done',
    ],
    failure: '\u001b[31mfatal\u001b[0m: [web-2.syd] health check answered 503 for 60 s',
  },
  {
    input: {
      name: 'Patch New York',
      app: 'ansible',
      path: 'patch.yml',
    },
    commits,
    hasInventory: true,
    hosts: {
      success: [
        host('db-1.nyc', { ok: 4, changed: 2 }),
        host('db-2.nyc', { ok: 4 }),
        host('cache-3.nyc', { ok: 4, changed: 1 }),
      ],
      error: [
        host('db-1.nyc', { ok: 4, changed: 2 }),
        host('db-2.nyc', { ok: 4 }),
        host('cache-3.nyc', { unreachable: 1 }),
      ],
    },
    perDay: 2,
    by: ['Grace', 'Linus'],
    seconds: [180, 540],
    failureRate: 0.06,
    output: [
      'PLAY [all] *********************************************************************',
      `${changed}: [db-1.nyc] 14 packages`,
      `${ok}: [db-2.nyc] nothing to do`,
      'Done',
    ],
    failure: '\u001b[31munreachable\u001b[0m: [cache-3.nyc] no route to host',
  },
  {
    input: { name: 'Nightly backup', app: 'bash', script: say('Dumping 3 databases', 'Verifying', 'Done') },
    perDay: 1,
    isNightly: true,
    by: [],
    seconds: [420, 780],
    failureRate: 0.04,
    output: [
      'Dumping orders (4.1 GB)',
      'Dumping customers (0.6 GB)',
      'Verifying by a restore of 1,000 rows',
      'Done',
    ],
    failure: '\u001b[31merror\u001b[0m: the bucket refused the upload: SlowDown',
  },
  {
    input: {
      name: 'Rotate certificates',
      app: 'python',
      script:
        "print('9 certificates, 2 due within 30 days')\nprint('renewed shop.example and api.example')\n",
      tag: 'sydney',
    },
    perDay: 0.4,
    by: ['Ada'],
    seconds: [15, 40],
    failureRate: 0,
    output: ['9 certificates, 2 due within 30 days', 'renewed shop.example and api.example'],
    failure: '',
  },
];

/** Schedule of the past nightly tasks; `template` is a name. */
export const schedule = {
  template: 'Nightly backup',
  input: { name: 'Nightly backup', cron: '0 2 * * *', timeZone: 'UTC' },
};
export const integration = {
  template: 'Deploy the shop',
  input: {
    name: 'Releases of the shop',
    matchers: [{ source: { from: 'body', pointer: '/action' }, operator: 'equals', value: 'published' }],
    variables: [{ variable: 'RELEASE', source: { from: 'body', pointer: '/release/tag_name' } }],
  },
};

/** Template whose task waits, as an example of a waiting task. */
export const templateWithoutRunner = {
  name: 'Fail over to Frankfurt',
  app: 'bash',
  script: 'echo failing over',
  tag: 'frankfurt',
};
