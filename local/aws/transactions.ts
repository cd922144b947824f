/**
 * DynamoDB's TransactWriteItems, which dynalite lacks, on top of its other calls: a transaction runs while no
 * other call does.
 */

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import db from 'dynalite/db/index.js';
import validations from 'dynalite/validations/index.js';
import inject from 'light-my-request';
import * as z from 'zod';

const attributes = z.record(z.string(), z.unknown());
const operation = z.looseObject({
  TableName: z.string(),
  Key: attributes.optional(),
  Item: attributes.optional(),
});
const kinds = ['Put', 'Update', 'Delete', 'ConditionCheck'] as const;
const request = z.object({
  TransactItems: z
    .array(z.partialRecord(z.enum(kinds), operation))
    .min(1)
    .max(100),
});

interface Step {
  readonly kind: (typeof kinds)[number];
  readonly parameters: z.infer<typeof operation>;
  readonly key: Readonly<Record<string, unknown>>;
}
interface Reason {
  readonly Code: string;
  readonly Message?: string;
}
type Attributes = z.infer<typeof attributes>;

const none: Reason = { Code: 'None' };
const failed: Reason = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };

const stepsOf = (body: string): Step[] =>
  request.parse(JSON.parse(body)).TransactItems.flatMap((item) =>
    kinds.flatMap((kind) => {
      const parameters = item[kind];
      if (!parameters) return [];
      const { pk, sk } = parameters.Item ?? {};
      return [{ kind, parameters, key: parameters.Key ?? { pk, sk } }];
    }),
  );

/** Headers for dynalite, which checks only that a signature is present. */
const formalHeaders = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=none',
};

/** Sends a request to dynalite in this process. `target` is the value of `x-amz-target`. */
export const sendToDynalite = (listener: RequestListener, target: string, payload: string | Buffer) =>
  inject(listener, {
    method: 'POST',
    url: '/',
    headers: { ...formalHeaders, 'x-amz-target': target },
    payload,
  });

/** Calls dynalite in this process, beside its gateway. */
export const callDynalite = (listener: RequestListener, operation: string, parameters: object) =>
  sendToDynalite(listener, `DynamoDB_20120810.${operation}`, JSON.stringify(parameters));

const refusal = z.object({ message: z.string().optional(), Message: z.string().optional() });

/** Runs the steps, all or none of them. One reason for each step when none was done. */
const transact = async (
  listener: RequestListener,
  steps: readonly Step[],
): Promise<readonly Reason[] | undefined> => {
  const call = async (name: string, parameters: object) => {
    const answer = await callDynalite(listener, name, parameters);
    return { isDone: answer.statusCode === 200, body: JSON.parse(answer.payload) as unknown };
  };
  const found: (Attributes | undefined)[] = [];
  for (const { parameters, key } of steps) {
    const { body } = await call('GetItem', {
      TableName: parameters.TableName,
      Key: key,
      ConsistentRead: true,
    });
    found.push(z.object({ Item: attributes.optional() }).parse(body).Item);
  }

  const reasons = steps.map(({ parameters }, index): Reason => {
    const read = structuredClone(parameters);
    const fault = validations.validateExpressions(read);
    if (fault) return { Code: 'ValidationError', Message: fault };
    return db.checkConditional(read, found[index]) ? failed : none;
  });
  if (reasons.some((reason) => reason !== none)) return reasons;

  for (const [index, { kind, parameters }] of steps.entries()) {
    if (kind === 'ConditionCheck') continue;
    const { isDone, body } = await call(`${kind}Item`, parameters);
    if (isDone) continue;
    for (const [done, { parameters: before, key }] of steps.slice(0, index).entries()) {
      const { TableName } = before;
      const Item = found[done];
      await (Item ? call('PutItem', { TableName, Item }) : call('DeleteItem', { TableName, Key: key }));
    }
    const { message = '', Message = message } = refusal.parse(body);
    return steps.map((_, at) => (at === index ? { Code: 'ValidationError', Message } : none));
  }
  return undefined;
};

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
};

const answerTransaction = async (
  listener: RequestListener,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const steps = stepsOf(await text(request));
  const places = steps.map(({ parameters, key }) => JSON.stringify([parameters.TableName, key]));
  if (new Set(places).size < places.length) {
    return send(response, 400, {
      __type: 'com.amazon.coral.validate#ValidationException',
      message: 'Transaction request cannot include multiple operations on one item',
    });
  }
  const reasons = await transact(listener, steps);
  if (!reasons) return send(response, 200, {});
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return send(response, 400, {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    Message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    CancellationReasons: reasons,
  });
};

/**
 * The same listener, which also answers TransactWriteItems. A transaction waits for the calls before it, and
 * those after it wait.
 */
const withTransactions = (listener: RequestListener): RequestListener => {
  const ongoing = new Set<Promise<void>>();
  let lastTransaction = Promise.resolve();
  return (request, response) => {
    const before = lastTransaction;
    if (request.headers['x-amz-target'] !== 'DynamoDB_20120810.TransactWriteItems') {
      const ended = new Promise<void>((resolve) => response.once('close', resolve));
      ongoing.add(ended);
      void ended.then(() => ongoing.delete(ended));
      void before.then(() => listener(request, response));
      return;
    }
    const callsBefore = [...ongoing];
    lastTransaction = before
      .then(async () => {
        await Promise.all(callsBefore);
        await answerTransaction(listener, request, response);
      })
      .catch((error: unknown) =>
        send(response, 500, { __type: 'InternalServerError', message: String(error) }),
      );
  };
};

const isListener = (value: unknown): value is RequestListener => typeof value === 'function';

/** Has dynalite's server answer TransactWriteItems, too. Returns what listens to its requests from now on. */
export const addTransactions = (server: Server): RequestListener => {
  const [own] = server.listeners('request');
  if (!isListener(own)) throw new Error('dynalite has no request listener.');
  const listener = withTransactions(own);
  server.removeAllListeners('request');
  server.on('request', listener);
  return listener;
};
