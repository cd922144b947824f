/** Has the function that settles the power of runners look at one. */
import { InvocationType, InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { RunnerId } from '../../protocol/index.ts';
import type { Pool } from './table.ts';

export interface PowerRequest {
  readonly pool: Pool;
  readonly runnerId: RunnerId;
}

/** Tells `runner-power` that an agent has stopped polling, or that a runner was woken by hand. */
export type SettlePowerSoon = (request: PowerRequest) => Promise<void>;

/** By an asynchronous invocation: once Lambda has taken it, Lambda itself tries again when the function fails. */
export const lambdaSettlePowerSoon =
  (client: LambdaClient, functionArn: string): SettlePowerSoon =>
  async (request) => {
    await client.send(
      new InvokeCommand({
        FunctionName: functionArn,
        InvocationType: InvocationType.Event,
        Payload: JSON.stringify(request),
      }),
    );
  };
