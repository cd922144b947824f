/** An AWS call as the gateway passes it to a stand-in, and the errors that a stand-in may return. */
import type { Principal } from '../gateway/principals.ts';

export interface AwsCall {
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  readonly principal: Principal;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** True once the caller has disconnected and cannot read the answer. */
  readonly hungUp: () => boolean;
}

export interface AwsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Stand-in for one AWS service. Rejects a call with an `AwsError`. */
export type AwsService = (call: AwsCall) => Promise<AwsAnswer>;

/** An error with AWS's code and message; the gateway formats it for the service's protocol. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

/** EC2 and STS take a form and answer XML. The other services, except S3, take and answer JSON. */
export const speaksQueryProtocol = (service: string): boolean => service === 'ec2' || service === 'sts';

const requestIdOf = () => crypto.randomUUID();

/** Status, headers and body of an error, as the SDK of that service expects them. */
export const errorAnswer = (service: string, { code, message, status }: AwsError): AwsAnswer => {
  const requestId = requestIdOf();
  if (service === 's3') {
    const body = `<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
    return { status, headers: { 'content-type': 'application/xml' }, body };
  }
  if (!speaksQueryProtocol(service)) {
    return {
      status,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': requestId },
      body: JSON.stringify({ __type: code, message }),
    };
  }
  const error = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>`;
  const body =
    service === 'ec2'
      ? `<Response><Errors><Error>${error}</Error></Errors><RequestID>${requestId}</RequestID></Response>`
      : `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml' }, body };
};

/** Escapes text for an XML element. */
export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
