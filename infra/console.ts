/** The console: its built files in a private bucket, and CloudFront before them and the API, so that both are one origin. */

import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  AccessLevel,
  AllowedMethods,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  type IOrigin,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Bucket, CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import {
  Annotations,
  CustomResource,
  Duration,
  FileSystem,
  Names,
  RemovalPolicy,
  Stack,
} from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { allow, type Grant } from './grants.ts';

export interface ConsoleProps {
  readonly httpApi: HttpApi;
  /** The folder with `index.html` and, with hashes in their names, `assets/`. */
  readonly files: string;
  /** The function that CloudFormation has make the key of the edge. */
  readonly maker: LambdaFunction;
}

/** What reaches the HTTP API and its functions; everything else is a file of the console. */
const apiPaths = ['/api/*', '/webhooks/*'];

/** Nothing from elsewhere, nothing inline, nothing evaluated, and the page in nobody's frame. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Each page of the console has a path of its own, but there is one file for all of them. Only for the console's files: so a
 * 404 of the API stays one. Paths of pages have no dot in their last part, files have.
 */
const pagesToIndex = `function handler(event) {
  const request = event.request;
  const name = request.uri.split('/').pop();
  if (!name.includes('.')) request.uri = '/index.html';
  return request;
}
`;

/** The header by which the API knows that CloudFront, and no client, says from which address a request comes. */
const edgeKeyHeader = 'x-reveille-edge';

export class Console extends Construct {
  /** Where people find page and API, without a slash at the end. */
  readonly url: string;
  /** For functions that people's requests reach. */
  readonly grant: Grant;
  readonly #bucket: IBucket;
  readonly #files: string;

  constructor(scope: Construct, id: string, { httpApi, files, maker }: ConsoleProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.#files = files;
    this.#bucket = makeBucket(this);

    // Made once: nothing of it ever changes, so no update asks for another one.
    const edgeKey = new CustomResource(this, 'EdgeKey', {
      serviceToken: maker.functionArn,
      resourceType: 'Custom::EdgeKey',
      serviceTimeout: Duration.minutes(5),
    });
    const api = new HttpOrigin(`${httpApi.apiId}.execute-api.${stack.region}.${stack.urlSuffix}`, {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      customHeaders: { [edgeKeyHeader]: edgeKey.getAttString('Key') },
    });
    const responseHeadersPolicy = this.#headersOfApi();
    const distribution = new Distribution(this, 'Distribution', {
      comment: 'Reveille: the console and the API as one origin',
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        // With the right to list, S3 answers 404 and not 403 for a file that isn't there.
        origin: S3BucketOrigin.withOriginAccessControl(this.#bucket, {
          originAccessLevels: [AccessLevel.READ, AccessLevel.LIST],
          originAccessControl: new S3OriginAccessControl(this, 'Access', {
            originAccessControlName: globalName(this, 'files', 64),
          }),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: this.#headersOfFiles(),
        functionAssociations: [
          { function: this.#edgeFunction(), eventType: FunctionEventType.VIEWER_REQUEST },
        ],
      },
      additionalBehaviors: Object.fromEntries(
        apiPaths.map((path) => [path, { ...behaviorOf(api), responseHeadersPolicy }]),
      ),
    });
    Annotations.of(this).acknowledgeWarning(
      '@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk',
      'There is a default root object, and the function gives no path without a file name to the bucket.',
    );
    this.url = `https://${distribution.distributionDomainName}`;
    this.grant = { environment: { CONSOLE_URL: this.url, EDGE_KEY_HASH: edgeKey.getAttString('Hash') } };
  }

  /** What the function may and must do that writes the files into the bucket, which holds them. */
  publishBy(fn: LambdaFunction): readonly Grant[] {
    new CustomResource(this, 'Publication', {
      serviceToken: fn.functionArn,
      resourceType: 'Custom::ConsoleFiles',
      // Another text makes CloudFormation call the function again; the files come with its code.
      properties: { Bucket: this.#bucket.bucketName, Fingerprint: FileSystem.fingerprint(this.#files) },
      serviceTimeout: Duration.minutes(5),
    }).node.addDependency(this.#bucket, fn.role ?? fn);
    const objects = this.#bucket.arnForObjects('*');
    return [
      { statements: [allow(['s3:ListBucket'], [this.#bucket.bucketArn])] },
      { statements: [allow(['s3:PutObject', 's3:DeleteObject'], [objects])] },
    ];
  }

  #edgeFunction(): EdgeFunction {
    return new EdgeFunction(this, 'PagesToIndex', {
      comment: 'Reveille: one file for all pages of the console',
      code: FunctionCode.fromInline(pagesToIndex),
      runtime: FunctionRuntime.JS_2_0,
    });
  }

  /** As the API's own answers have them; API Gateway's (a time-out, a throttled request) have none by themselves. */
  #headersOfApi(): ResponseHeadersPolicy {
    return new ResponseHeadersPolicy(this, 'ApiHeaders', {
      responseHeadersPolicyName: globalName(this, 'api-headers', 128),
      comment: 'Reveille: the API',
      securityHeadersBehavior: { contentTypeOptions: { override: true } },
      customHeadersBehavior: {
        customHeaders: [{ header: 'cache-control', value: 'no-store', override: true }],
      },
    });
  }

  #headersOfFiles(): ResponseHeadersPolicy {
    return new ResponseHeadersPolicy(this, 'Headers', {
      responseHeadersPolicyName: globalName(this, 'headers', 128),
      comment: 'Reveille: the console',
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy, override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), override: true },
      },
      customHeadersBehavior: {
        customHeaders: [
          { header: 'cross-origin-opener-policy', value: 'same-origin', override: true },
          { header: 'cross-origin-resource-policy', value: 'same-origin', override: true },
          { header: 'permissions-policy', value: 'camera=(), geolocation=(), microphone=()', override: true },
        ],
      },
    });
  }
}

/** So long may a region's name be, and some to spare. */
const longestRegion = 20;

/** CloudFront's names are of the whole account, and a stack of the same name may be in another region too. */
const globalName = (scope: Construct, what: string, maxLength: number): string => {
  const name = Names.uniqueResourceName(scope, { maxLength: maxLength - what.length - longestRegion - 2 });
  return `${name}-${what}-${Stack.of(scope).region}`;
};

/** Private, and reached by TLS only. */
const makeBucket = (scope: Construct): IBucket => {
  const made = new CfnBucket(scope, 'Files', {
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    bucketEncryption: {
      serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
    },
  });
  // It holds nothing that a deployment does not put there; the function that fills it empties it.
  made.applyRemovalPolicy(RemovalPolicy.DESTROY);
  const bucket = Bucket.fromCfnBucket(made);
  bucket.addToResourcePolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['s3:*'],
      resources: [bucket.bucketArn, bucket.arnForObjects('*')],
      conditions: { Bool: { 'aws:SecureTransport': 'false' } },
    }),
  );
  return bucket;
};

/** All methods, all headers but Host (by which API Gateway finds the API), all cookies; nothing is kept. */
const behaviorOf = (origin: IOrigin) => ({
  origin,
  viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
  allowedMethods: AllowedMethods.ALLOW_ALL,
  cachePolicy: CachePolicy.CACHING_DISABLED,
  originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
});
