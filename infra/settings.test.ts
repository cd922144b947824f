import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RootConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { isAllowance } from '../lambdas/adapters/address-guard.ts';
import { readSettings, settingNames } from './settings.ts';

const read = (context: Record<string, unknown>) => {
  // An App would leave a folder in the temporary directory.
  const { node } = new RootConstruct();
  for (const [name, value] of Object.entries(context)) node.setContext(name, value);
  return readSettings(node);
};

describe('webhookAllowed', () => {
  test('accepts typed input: with spaces, as text or as a list', () => {
    const wanted = ['10.20.0.0/16', 'hooks.corp.example'];
    expect(read({ webhookAllowed: '10.20.0.0/16, hooks.corp.example' }).webhookAllowed).toEqual(wanted);
    expect(read({ webhookAllowed: ' 10.20.0.0/16,hooks.corp.example, ' }).webhookAllowed).toEqual(wanted);
    expect(read({ webhookAllowed: wanted }).webhookAllowed).toEqual(wanted);
    expect(read({ webhookAllowed: '' }).webhookAllowed).toEqual([]);
  });

  test.each(['10.0.0.0/99', 'https://hooks.example', 'hooks.example:8080', 'fd00::/129', 'two words', '*'])(
    'rejects %s, as the functions do, and names the error',
    (entry) => {
      expect(isAllowance(entry)).toBe(false);
      expect(() => read({ webhookAllowed: `10.0.0.0/8,${entry}` })).toThrow(
        `"webhookAllowed.1" has "${entry}", which is no range such as 10.0.0.0/8, no address and no host name`,
      );
    },
  );

  test.each([
    '10.0.0.0/8',
    '192.168.1.1',
    '::1',
    'fd00::/8',
    'localhost',
    'hooks_1.corp.example',
    '0.0.0.0/0',
  ])('accepts %s, as the functions do', (entry) => {
    expect(isAllowance(entry)).toBe(true);
    expect(read({ webhookAllowed: entry }).webhookAllowed).toEqual([entry]);
  });
});

test.each(['keepData', 'semaphoreOnly', 'console', 'dashboard', 'tracing'] as const)(
  'reads %s as on or off, from cdk.json or from the command line',
  (name) => {
    const values = [true, 'true', 'yes', false, 'false', 'no'].map((value) => read({ [name]: value })[name]);
    expect(values).toEqual([true, true, true, false, false, false]);
    expect(() => read({ [name]: 'perhaps' })).toThrow(`"${name}"`);
  },
);

test('lists the same settings as the table of the guide', () => {
  const guide = readFileSync(join(import.meta.dirname, '../docs/operating/deploy.md'), 'utf8');
  const [, section = ''] = /^## Settings\n([\s\S]*?)^## /m.exec(guide) ?? [];
  const named = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual([...settingNames].sort());
});
