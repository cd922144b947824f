/** Makes the console's files and the key that proves CloudFront to the API, for CloudFormation. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import * as z from 'zod';
import { s3FileBucket } from '../adapters/file-bucket.ts';
import { hashSecret, makeSecret } from '../adapters/runners/registration-tokens.ts';
import { clearConsole, publishConsole } from '../flows/publish-console.ts';
import { log, now } from '../wiring.ts';

const properties = z.object({ Bucket: z.string() });

/** Attributes of a resource, for `Fn::GetAtt`. */
type Attributes = Readonly<Record<string, string>>;

/** As in infra/console.ts. */
const edgeKeyType = 'Custom::EdgeKey';

const folder = join(import.meta.dirname, 'console');

const readFiles = (): Map<string, Buffer> =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path)]),
  );

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
const tellCloudFormation = async (
  event: CloudFormationCustomResourceEvent,
  said:
    | { readonly Status: 'SUCCESS'; readonly Data: Attributes; readonly NoEcho: boolean }
    | { readonly Status: 'FAILED'; readonly Reason: string },
): Promise<void> => {
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const answer = await fetch(ResponseURL, {
    method: 'PUT',
    body: JSON.stringify({
      ...said,
      // Always the same: with another one CloudFormation would request the deletion of the old resource.
      PhysicalResourceId: event.ResourceType === edgeKeyType ? 'edge-key' : 'console-files',
      StackId,
      RequestId,
      LogicalResourceId,
    }),
  });
  if (!answer.ok) throw new Error(`CloudFormation took no answer: ${answer.status} ${await answer.text()}`);
};

/** CloudFront gets the key, the API only its hash: no reader of its settings can forge a source address. */
const makeEdgeKey = (): Attributes => {
  const key = makeSecret(randomBytes);
  return { Key: key, Hash: hashSecret(key) };
};

const fillBucket = async (event: CloudFormationCustomResourceEvent): Promise<Attributes> => {
  const { Bucket } = properties.parse(event.ResourceProperties);
  const bucket = s3FileBucket(Bucket);
  if (event.RequestType === 'Delete') await clearConsole(bucket);
  else await publishConsole({ bucket, now }, readFiles());
  return {};
};

export const handler = async (event: CloudFormationCustomResourceEvent): Promise<void> => {
  const isKey = event.ResourceType === edgeKeyType;
  let made: Attributes;
  try {
    made = isKey ? makeEdgeKey() : await fillBucket(event);
  } catch (error) {
    log.error('The console is not published', {
      error: error instanceof Error ? error.stack : String(error),
    });
    return tellCloudFormation(event, { Status: 'FAILED', Reason: String(error) });
  }
  // Hidden in CloudFormation's view of the stack.
  return tellCloudFormation(event, { Status: 'SUCCESS', Data: made, NoEcho: isKey });
};
