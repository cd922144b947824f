/**
 * The console: its built files in a private bucket, and CloudFront in front of them and the API, so that both
 * are one origin.
 */

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
  /** Folder with `index.html` and, with hashes in their names, `assets/`. */
  readonly files: string;
  /** Function that CloudFormation invokes to make the edge key. */
  readonly maker: LambdaFunction;
}

/** Paths of the HTTP API and its functions; all other paths are files of the console. */
const apiPaths = ['/api/*', '/webhooks/*'];

/**
 * Content security policy: nothing from other origins, nothing inline, nothing evaluated, and no framing of
 * the page.
 */
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
 * Rewrites each page's path to the one file for all pages. Only for the console's files, so a 404 of the API
 * stays one. Paths of pages have no dot in their last part, files have.
 */
const pagesToIndex = `function handler(event) {
  const request = event.request;
  const name = request.uri.split('/').pop();
  if (!name.includes('.')) request.uri = '/index.html';
  return request;
}
`;

/** Header that proves to the API that CloudFront, and no client, states a request's address. */
const edgeKeyHeader = 'x-reveille-edge';

export class Console extends Construct {
  /** URL of page and API, without a trailing slash. */
  readonly url: string;
  /** Variables for functions that receive users' requests. */
  readonly grant: Grant;
  readonly #bucket: IBucket;
  readonly #files: string;

  constructor(scope: Construct, id: string, { httpApi, files, maker }: ConsoleProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.#files = files;
    this.#bucket = makeBucket(this);

    // Made once: its properties never change, so no update requests another key.
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
        // With the permission to list, S3 answers 404 and not 403 for a missing file.
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

  /** Publishes the files by a function that contains them; returns the grants that it needs. */
  publishBy(fn: LambdaFunction): readonly Grant[] {
    new CustomResource(this, 'Publication', {
      serviceToken: fn.functionArn,
      resourceType: 'Custom::ConsoleFiles',
      // A changed text makes CloudFormation call the function again; the files come with its code.
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

  /**
   * Adds the API's own headers. API Gateway's answers (a timeout, a throttled request) have none by
   * themselves.
   */
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

/** Maximum length of a region's name, with a margin. */
const longestRegion = 20;

/**
 * Makes a name with the region: CloudFront's names are account-wide, and a stack of the same name may be in
 * another region.
 */
const globalName = (scope: Construct, what: string, maxLength: number): string => {
  const name = Names.uniqueResourceName(scope, { maxLength: maxLength - what.length - longestRegion - 2 });
  return `${name}-${what}-${Stack.of(scope).region}`;
};

/** Makes a private bucket that is reached only by TLS. */
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
  // The bucket contains only deployed files; the function that fills it also empties it.
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

/**
 * Forwards all methods, all cookies and all headers except Host (by which API Gateway finds the API); caches
 * nothing.
 */
const behaviorOf = (origin: IOrigin) => ({
  origin,
  viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
  allowedMethods: AllowedMethods.ALLOW_ALL,
  cachePolicy: CachePolicy.CACHING_DISABLED,
  originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
});
