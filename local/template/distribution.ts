/** Reads CloudFront's part of a template: the origin, headers and function of each path. */
import * as z from 'zod';
import type { Resources } from './resources.ts';

export type OriginSpec =
  | { readonly kind: 'bucket'; readonly bucket: string }
  | { readonly kind: 'http-api'; readonly headers: Readonly<Record<string, string>> };

export interface BehaviorSpec {
  /** Path pattern; `*` matches anything. */
  readonly pathPattern: string;
  readonly methods: readonly string[];
  readonly origin: OriginSpec;
  /** Added to every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Source of the function that runs first on each request. */
  readonly viewerRequest?: string;
}

export interface DistributionSpec {
  /** Behaviors in the order of matching; the last one takes all other paths. */
  readonly behaviors: readonly BehaviorSpec[];
}

/**
 * Ids of CloudFront's managed policies: no caching and all headers except Host for the API, caching by S3's
 * headers for files.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
 */
const cachingDisabled = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';
const cachingOptimized = '658327ea-f89d-4fab-a63d-7e88639e58f6';
const allViewerExceptHost = 'b689b0a8-53d0-40ab-baf2-68738e2966ac';

const behaviorFields = {
  AllowedMethods: z.array(z.string()),
  CachePolicyId: z.enum([cachingDisabled, cachingOptimized]),
  OriginRequestPolicyId: z.literal(allViewerExceptHost).optional(),
  Compress: z.boolean(),
  FunctionAssociations: z
    .array(z.strictObject({ EventType: z.literal('viewer-request'), FunctionARN: z.string() }))
    .max(1)
    .default([]),
  ResponseHeadersPolicyId: z.string().optional(),
  TargetOriginId: z.string(),
  ViewerProtocolPolicy: z.string(),
};
const behavior = z.strictObject(behaviorFields);
const origin = z.strictObject({
  Id: z.string(),
  DomainName: z.string(),
  OriginAccessControlId: z.string().optional(),
  S3OriginConfig: z.unknown().optional(),
  CustomOriginConfig: z.unknown().optional(),
  OriginCustomHeaders: z
    .array(z.strictObject({ HeaderName: z.string(), HeaderValue: z.string() }))
    .default([]),
});
/** Strict: rejects unknown properties, error pages for example, instead of ignoring them. */
const distribution = z.strictObject({
  DistributionConfig: z.strictObject({
    CacheBehaviors: z.array(z.strictObject({ ...behaviorFields, PathPattern: z.string() })).default([]),
    DefaultCacheBehavior: behavior,
    Origins: z.array(origin),
    Aliases: z.array(z.string()).optional(),
    Comment: z.string().optional(),
    DefaultRootObject: z.string().optional(),
    Enabled: z.literal(true),
    HttpVersion: z.string().optional(),
    IPV6Enabled: z.boolean().optional(),
    PriceClass: z.string().optional(),
    ViewerCertificate: z.unknown().optional(),
  }),
  Tags: z.unknown().optional(),
});

const edgeFunction = z.object({
  FunctionCode: z.string(),
  FunctionConfig: z.object({ Runtime: z.literal('cloudfront-js-2.0') }),
});

const override = z.literal(true);
const headersPolicy = z.strictObject({
  ResponseHeadersPolicyConfig: z.strictObject({
    Name: z.string(),
    Comment: z.string().optional(),
    CustomHeadersConfig: z
      .strictObject({
        Items: z.array(z.strictObject({ Header: z.string(), Value: z.string(), Override: override })),
      })
      .default({ Items: [] }),
    SecurityHeadersConfig: z
      .strictObject({
        ContentSecurityPolicy: z.strictObject({ ContentSecurityPolicy: z.string(), Override: override }),
        ContentTypeOptions: z.strictObject({ Override: override }),
        FrameOptions: z.strictObject({ FrameOption: z.string(), Override: override }),
        ReferrerPolicy: z.strictObject({ ReferrerPolicy: z.string(), Override: override }),
        StrictTransportSecurity: z.strictObject({
          AccessControlMaxAgeSec: z.coerce.number(),
          Override: override,
        }),
      })
      .partial()
      .default({}),
  }),
});

const headersOf = (policy: z.infer<typeof headersPolicy>): Record<string, string> => {
  const { CustomHeadersConfig, SecurityHeadersConfig: security } = policy.ResponseHeadersPolicyConfig;
  const all: Record<string, string | undefined> = {
    ...Object.fromEntries(
      CustomHeadersConfig.Items.map(({ Header, Value }) => [Header.toLowerCase(), Value]),
    ),
    'content-security-policy': security.ContentSecurityPolicy?.ContentSecurityPolicy,
    'x-content-type-options': security.ContentTypeOptions && 'nosniff',
    'x-frame-options': security.FrameOptions?.FrameOption,
    'referrer-policy': security.ReferrerPolicy?.ReferrerPolicy,
    'strict-transport-security':
      security.StrictTransportSecurity &&
      `max-age=${security.StrictTransportSecurity.AccessControlMaxAgeSec}`,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
};

/** Reads the template's distribution; undefined when it has none. */
export const readDistribution = ({ ofType }: Resources): DistributionSpec | undefined => {
  const [found, ...more] = ofType('AWS::CloudFront::Distribution');
  if (more.length > 0) throw new Error('The stack on one machine serves one CloudFront distribution.');
  if (!found) return undefined;
  const { DistributionConfig: config } = found.read(distribution);

  const originOf = (id: string): OriginSpec => {
    const wanted = config.Origins.find(({ Id }) => Id === id);
    const bucket = ofType('AWS::S3::Bucket').find(
      ({ identity }) => identity.attributes.RegionalDomainName === wanted?.DomainName,
    );
    if (bucket) return { kind: 'bucket', bucket: bucket.identity.ref };
    const isApi = ofType('AWS::ApiGatewayV2::Api').some(({ identity }) =>
      wanted?.DomainName.startsWith(`${identity.ref}.`),
    );
    if (!wanted || !isApi) {
      throw new Error(`The origin ${id} is neither a bucket nor the HTTP API of the template.`);
    }
    const headers = wanted.OriginCustomHeaders.map(({ HeaderName, HeaderValue }) => [
      HeaderName,
      HeaderValue,
    ]);
    return { kind: 'http-api', headers: Object.fromEntries(headers) };
  };
  const functionOf = (arn: string): string => {
    const wanted = ofType('AWS::CloudFront::Function').find(
      ({ identity }) => identity.attributes.FunctionARN === arn,
    );
    if (!wanted) throw new Error(`The template has no CloudFront function ${arn}.`);
    return wanted.read(edgeFunction).FunctionCode;
  };
  const policyOf = (id: string): Record<string, string> => {
    const wanted = ofType('AWS::CloudFront::ResponseHeadersPolicy').find(
      ({ identity }) => identity.ref === id,
    );
    if (!wanted) throw new Error(`The template has no response headers policy ${id}.`);
    return headersOf(wanted.read(headersPolicy));
  };
  const behaviorOf = (one: z.infer<typeof behavior>, pathPattern: string): BehaviorSpec => {
    const [association] = one.FunctionAssociations;
    return {
      pathPattern,
      methods: one.AllowedMethods,
      origin: originOf(one.TargetOriginId),
      headers: one.ResponseHeadersPolicyId === undefined ? {} : policyOf(one.ResponseHeadersPolicyId),
      viewerRequest: association && functionOf(association.FunctionARN),
    };
  };
  return {
    behaviors: [
      ...config.CacheBehaviors.map((one) => behaviorOf(one, one.PathPattern)),
      behaviorOf(config.DefaultCacheBehavior, '*'),
    ],
  };
};
