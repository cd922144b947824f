/** Fills the console's bucket with the files that come with this code: CloudFormation asks for it in each deployment. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import * as z from 'zod';
import { s3FileBucket } from '../adapters/file-bucket.ts';
import { clearConsole, publishConsole } from '../flows/publish-console.ts';
import { log, now } from '../wiring.ts';

const properties = z.object({ Bucket: z.string() });

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
  status: 'SUCCESS' | 'FAILED',
  reason?: string,
): Promise<void> => {
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const answer = await fetch(ResponseURL, {
    method: 'PUT',
    body: JSON.stringify({
      Status: status,
      Reason: reason,
      // The same at each time: another one would have CloudFormation ask to delete what it named before.
      PhysicalResourceId: 'console-files',
      StackId,
      RequestId,
      LogicalResourceId,
    }),
  });
  if (!answer.ok) throw new Error(`CloudFormation took no answer: ${answer.status} ${await answer.text()}`);
};

export const handler = async (event: CloudFormationCustomResourceEvent): Promise<void> => {
  try {
    const { Bucket } = properties.parse(event.ResourceProperties);
    const bucket = s3FileBucket(Bucket);
    if (event.RequestType === 'Delete') await clearConsole(bucket);
    else await publishConsole({ bucket, now }, readFiles());
  } catch (error) {
    log('The console is not published', { error: error instanceof Error ? error.stack : String(error) });
    return tellCloudFormation(event, 'FAILED', String(error));
  }
  return tellCloudFormation(event, 'SUCCESS');
};
