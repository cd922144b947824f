/** Has another function do something, without waiting for it: docs/contributing/decisions/009. */
import { InvocationType, InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';

/** By an asynchronous invocation: once Lambda has taken it, Lambda itself tries again when the function fails. */
export const invokeSoon =
  <T extends object>(client: LambdaClient, functionArn: string) =>
  async (request: T): Promise<void> => {
    await client.send(
      new InvokeCommand({
        FunctionName: functionArn,
        InvocationType: InvocationType.Event,
        Payload: JSON.stringify(request),
      }),
    );
  };
