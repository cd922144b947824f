import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { buildConsole } from './console-build.ts';
import { resourcesOf, synthesize } from './testing/template.ts';

const template = synthesize();
const only = (type: string) => {
  const [found, ...more] = resourcesOf(template, type);
  if (!found || more.length > 0) throw new Error(`There is not one ${type}.`);
  return found[1];
};

const behavior = z.looseObject({ ResponseHeadersPolicyId: z.object({ Ref: z.string() }) });
/** Returns the headers policy of a behavior, as text. */
const headersPolicyOf = (which: 'DefaultCacheBehavior' | 'CacheBehaviors'): string => {
  const { DistributionConfig: config } = z
    .object({
      DistributionConfig: z.object({ DefaultCacheBehavior: behavior, CacheBehaviors: z.array(behavior) }),
    })
    .parse(only('AWS::CloudFront::Distribution').Properties);
  const behaviors = [config[which]].flat();
  const ids = new Set(behaviors.map(({ ResponseHeadersPolicyId }) => ResponseHeadersPolicyId.Ref));
  const policies = resourcesOf(template, 'AWS::CloudFront::ResponseHeadersPolicy');
  return JSON.stringify(policies.filter(([id]) => ids.has(id)).map(([, { Properties }]) => Properties));
};

describe('the console', () => {
  test('is in a bucket that only CloudFront reaches, and is removed with the stack', () => {
    const bucket = only('AWS::S3::Bucket');
    expect(bucket.DeletionPolicy).toBe('Delete');
    expect(bucket.Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const policy = JSON.stringify(only('AWS::S3::BucketPolicy').Properties);
    expect(policy).toContain('"Principal":{"Service":"cloudfront.amazonaws.com"}');
    expect(policy).toContain('"aws:SecureTransport":"false"');
  });

  test('shares one origin with the API, which caches no answer of the API', () => {
    const { CacheBehaviors, DefaultCacheBehavior, CustomErrorResponses } = z
      .object({
        DistributionConfig: z.object({
          CacheBehaviors: z.array(z.record(z.string(), z.unknown())),
          DefaultCacheBehavior: z.record(z.string(), z.unknown()),
          CustomErrorResponses: z.unknown().optional(),
        }),
      })
      .parse(only('AWS::CloudFront::Distribution').Properties).DistributionConfig;
    expect(CacheBehaviors.map(({ PathPattern }) => PathPattern)).toEqual(['/api/*', '/webhooks/*']);
    for (const behavior of CacheBehaviors) {
      // AWS's own policies: CachingDisabled and AllViewerExceptHostHeader.
      expect(behavior).toMatchObject({
        CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
        OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
        ViewerProtocolPolicy: 'https-only',
      });
    }
    expect(DefaultCacheBehavior).toMatchObject({ ViewerProtocolPolicy: 'redirect-to-https' });
    expect(CustomErrorResponses).toBeUndefined();
  });

  test('allows only scripts and styles from its own files', () => {
    const policy = headersPolicyOf('DefaultCacheBehavior');
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  test('sets no-store and nosniff on every API answer, also on errors of API Gateway', () => {
    const policy = headersPolicyOf('CacheBehaviors');
    expect(policy).toContain('"ContentTypeOptions":{"Override":true}');
    expect(policy).toContain('{"Header":"cache-control","Override":true,"Value":"no-store"}');
    expect(headersPolicyOf('DefaultCacheBehavior')).not.toContain('no-store');
  });

  test('proves to the API that CloudFront calls, by a random key of which the API has only the hash', () => {
    const [[id] = ['']] = resourcesOf(template, 'Custom::EdgeKey');
    const origins = JSON.stringify(only('AWS::CloudFront::Distribution').Properties);
    expect(origins).toContain(
      `{"HeaderName":"x-reveille-edge","HeaderValue":{"Fn::GetAtt":["${id}","Key"]}}`,
    );
    const functions = JSON.stringify(resourcesOf(template, 'AWS::Lambda::Function'));
    expect(functions).toContain(`"EDGE_KEY_HASH":{"Fn::GetAtt":["${id}","Hash"]}`);
    expect(functions).not.toContain(`["${id}","Key"]`);
    expect(JSON.stringify(template)).not.toContain('AWS::StackId');
  });

  test.each([
    ['/', '/index.html'],
    ['/projects/prj_1/tasks/tsk_2', '/index.html'],
    ['/assets/index-1a2b.js', '/assets/index-1a2b.js'],
    ['/favicon.svg', '/favicon.svg'],
  ])('serves %s from %s', (uri, file) => {
    const { FunctionCode } = z
      .object({ FunctionCode: z.string() })
      .parse(only('AWS::CloudFront::Function').Properties);
    expect(runInNewContext(`${FunctionCode};handler({ request: { uri: ${JSON.stringify(uri)} } }).uri`)).toBe(
      file,
    );
  });
});

describe('the build of the console', () => {
  const root = mkdtempSync(join(tmpdir(), 'reveille-console-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const page = (text: string) => {
    for (const folder of ['web/assets', 'protocol']) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'web/index.html'), text);
    writeFileSync(join(root, 'package-lock.json'), '{}');
  };
  const built = () => join(root, 'web/dist/index.html');

  test('runs only when its sources changed', async () => {
    page('one');
    await buildConsole(root);
    const first = statSync(built()).ino;
    await buildConsole(root);
    expect(statSync(built()).ino).toBe(first);
    page('two');
    await buildConsole(root);
    expect(readFileSync(built(), 'utf8')).toBe('two');
  });
});
