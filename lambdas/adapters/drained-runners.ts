/** Announces drained runners to the function that stops their instances. */
import { InvocationType, InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { RunnerId } from '../../protocol/index.ts';
import type { Pool } from './table.ts';

export interface DrainedRunner {
  readonly pool: Pool;
  readonly runnerId: RunnerId;
}

/** Tells `runner-drained` that an agent has stopped polling. */
export type AnnounceDrained = (drained: DrainedRunner) => Promise<void>;

/** By an asynchronous invocation: once Lambda has taken it, Lambda itself tries again when the function fails. */
export const lambdaAnnounceDrained =
  (client: LambdaClient, functionArn: string): AnnounceDrained =>
  async (drained) => {
    await client.send(
      new InvokeCommand({
        FunctionName: functionArn,
        InvocationType: InvocationType.Event,
        Payload: JSON.stringify(drained),
      }),
    );
  };
