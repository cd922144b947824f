/** Invokes another function without waiting for it: docs/contributing/decisions/009. */
import { InvocationType, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

/**
 * Invokes asynchronously: once Lambda has accepted the event, Lambda itself retries when the function fails.
 */
export const invokeSoon =
  (functionArn: string, client = new LambdaClient()) =>
  async (request: object): Promise<void> => {
    await client.send(
      new InvokeCommand({
        FunctionName: functionArn,
        InvocationType: InvocationType.Event,
        Payload: JSON.stringify(request),
      }),
    );
  };
