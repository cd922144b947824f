import { describe, expect, it } from 'vitest';
import { aRole } from '../../local/testing/fixture.ts';
import { print, reportOf } from './report.ts';

const role = aRole({
  logicalId: 'ApiRole',
  policies: [{ Statement: [{ Effect: 'Allow', Action: ['a:X', 'a:Y'], Resource: ['1', '2'] }] }],
});

describe('the report of IAM', () => {
  it('names the unused grants of a role by action and resource', () => {
    const uses = [
      { role: 'ApiRole', action: 'a:X', resource: '1' },
      { role: 'ApiRole', action: 'a:Y', resource: '2' },
      { role: 'OtherRole', action: 'a:X', resource: '2' },
    ];
    const [report] = reportOf([role], uses);
    expect(report).toEqual({ role: 'ApiRole', granted: 4, used: 2, unused: ['a:X on 2', 'a:Y on 1'] });
  });

  it('leaves out the role of instances, which the local stack does not play', () => {
    const trust = { Statement: [{ Principal: { Service: 'ec2.amazonaws.com' } }] };
    expect(reportOf([{ ...role, trust }], [])).toEqual([]);
  });

  it('prints a readable table', () => {
    const lines: string[] = [];
    print(reportOf([role], [{ role: 'ApiRole', action: 'a:X', resource: '1' }]), (line) => lines.push(line));
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^ApiRole +4 +1 +3$/);
    expect(lines).toContain('  unused: a:Y on 2');
  });
});
