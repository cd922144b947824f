/** Custom resources: plays CloudFormation's part in the creation of a stack. */
import { createServer } from 'node:http';
import * as z from 'zod';
import type { Invoke } from '../functions/pool.ts';
import { readBody } from '../gateway/gateway.ts';
import { listenOnLoopback, stopServer } from '../http-server.ts';
import { jsonText } from '../json.ts';
import { type Place, unmadeAttribute } from '../template/resource-ids.ts';
import type { CustomResourceSpec } from '../template/stack-spec.ts';

export interface CustomResourceOptions {
  readonly specs: readonly CustomResourceSpec[];
  readonly place: Place;
  readonly functionOf: (arn: string) => Invoke;
}

const maxAnswerBytes = 4096;
const answer = z.object({
  Status: z.enum(['SUCCESS', 'FAILED']),
  Reason: z.string().optional(),
  Data: z.record(z.string(), z.string()).default({}),
  RequestId: z.string(),
});

/**
 * Replaces the placeholders by the values that functions returned; throws for an attribute without a value.
 */
export type FillIn = (text: string) => string;

/**
 * Invokes the functions one after the other; throws with the reason of the one that failed.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
export const makeCustomResources = async (options: CustomResourceOptions): Promise<FillIn> => {
  const { specs, place, functionOf } = options;
  const told = new Map<string, string>();
  const answers = new Map<string, z.infer<typeof answer>>();
  let refusal: string | undefined;
  const server = createServer(async (request, response) => {
    const body = await readBody(request, maxAnswerBytes);
    const parsed = body && jsonText(answer).safeParse(body.toString());
    if (parsed?.success) answers.set(parsed.data.RequestId, parsed.data);
    else refusal = parsed ? z.prettifyError(parsed.error) : `It has over ${maxAnswerBytes} bytes.`;
    response.writeHead(parsed?.success ? 200 : 400).end();
  });
  const port = await listenOnLoopback(server, 0);
  try {
    for (const { logicalId, type, functionArn, properties } of specs) {
      const RequestId = crypto.randomUUID();
      await functionOf(functionArn)({
        RequestType: 'Create',
        RequestId,
        ResponseURL: `http://127.0.0.1:${port}/`,
        StackId: `arn:aws:cloudformation:${place.region}:${place.accountId}:stack/${place.stackName}/local`,
        ServiceToken: functionArn,
        ResourceType: type,
        LogicalResourceId: logicalId,
        ResourceProperties: properties,
      });
      const said = answers.get(RequestId);
      if (said?.Status !== 'SUCCESS') {
        const reason = refusal
          ? `its function's answer is refused.\n${refusal}`
          : 'its function sent no answer';
        throw new Error(`${type} ${logicalId} cannot be made: ${said?.Reason ?? reason}`);
      }
      for (const [name, value] of Object.entries(said.Data))
        told.set(unmadeAttribute(logicalId, name), value);
    }
  } finally {
    await stopServer(server);
  }
  return (text) =>
    text.replaceAll(/\{made:[^}]*\}/g, (placeholder) => {
      const value = told.get(placeholder);
      if (value === undefined) throw new Error(`No function told what ${placeholder} is.`);
      return value;
    });
};
