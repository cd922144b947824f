/** Accounts with special rules: no CloudFront, a permissions boundary, a bootstrap with a qualifier. */
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { acknowledgedOf, addNag } from './nag.ts';
import { resourcesOf, synthesize, synthesizeAll } from './testing/template.ts';

const fleets = [
  { name: 'near', region: 'us-east-1', instanceTypes: ['t4g.small'] },
  { name: 'far', region: 'ap-southeast-2', instanceTypes: ['t4g.small'], spot: true },
];

describe('a stack without the console', () => {
  const template = synthesize({ console: 'false' });
  const whole = synthesize();

  test('has no CloudFront, no bucket and no custom resource', () => {
    const types = Object.values(template.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => /CloudFront|S3|^Custom::/.test(type))).toEqual([]);
    expect(JSON.stringify(template)).not.toMatch(/cloudfront|ConsoleFiles|EdgeKey/i);
  });

  test('differs from the whole only by the missing console and the settings of the API', () => {
    const left = Object.keys(template.Resources);
    const lost = Object.keys(whole.Resources).filter((id) => !left.includes(id));
    expect(lost.filter((id) => !/^Console|^ObservabilityErrorsOfConsoleFiles/.test(id))).toEqual([]);
    const differing = left.filter(
      (id) => JSON.stringify(template.Resources[id]) !== JSON.stringify(whole.Resources[id]),
    );
    expect(differing.map((id) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual(['ApiFunction']);
  });

  test('serves people at the endpoint of the API', () => {
    const [api] = resourcesOf(template, 'AWS::Lambda::Function').filter(([id]) =>
      id.startsWith('ApiFunction'),
    );
    const { Variables } = z
      .object({ Variables: z.record(z.string(), z.unknown()) })
      .parse(api?.[1].Properties.Environment);
    expect(Variables.CONSOLE_URL).toEqual(Variables.API_URL);
    expect(Variables).not.toHaveProperty('EDGE_KEY_HASH');
    expect(Object.keys(whole.Outputs).filter((name) => !(name in template.Outputs))).toEqual(['ConsoleUrl']);
  });

  test('passes the rules of cdk-nag with the acknowledgements of the whole', () => {
    const acknowledged = acknowledgedOf({ prefix: 'reveille-' });
    expect(() => synthesize({ console: false }, (app) => addNag(app, acknowledged))).not.toThrow();
  });
});

test('puts the permissions boundary of CDK on every role and user of every stack', () => {
  const stacks = synthesizeAll({
    fleets,
    '@aws-cdk/core:permissionsBoundary': { name: 'developers-may' },
  });
  expect(Object.keys(stacks)).toHaveLength(3);
  for (const template of Object.values(stacks)) {
    const principals = Object.values(template.Resources).filter(({ Type }) =>
      /^AWS::IAM::(Role|User)$/.test(Type),
    );
    expect(principals.length).toBeGreaterThan(0);
    for (const { Properties } of principals)
      expect(JSON.stringify(Properties.PermissionsBoundary)).toContain(':policy/developers-may"');
  }
});

test('uses the bootstrap qualifier of the context wherever the stacks name the bootstrap', () => {
  const stacks = synthesizeAll({ fleets, '@aws-cdk/core:bootstrapQualifier': 'team42' });
  for (const template of Object.values(stacks)) {
    const text = JSON.stringify(template);
    expect(text).toContain('/cdk-bootstrap/team42/version');
    expect(text).toContain('cdk-team42-assets-');
    expect(text).not.toContain('hnb659fds');
  }
});
