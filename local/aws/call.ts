/** An AWS call as the gateway hands it to the stand-in of its service, and the errors that a stand-in may answer. */
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
  /** Whether the caller has gone, so that nobody will read the answer. */
  readonly hungUp: () => boolean;
}

export interface AwsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Plays one AWS service. A refusal is an `AwsError`. */
export type AwsService = (call: AwsCall) => Promise<AwsAnswer>;

/** An error in AWS's words; the gateway puts it into the form of the service's protocol. */
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

/** EC2, STS and the like take a form and answer XML; the others but S3 take and answer JSON. */
export const speaksQueryProtocol = (service: string): boolean => service === 'ec2' || service === 'sts';

const requestIdOf = () => crypto.randomUUID();

/** The body and headers of an error, as the SDK of that service expects them. */
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

/** Text as it may stand in an XML element. */
export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
