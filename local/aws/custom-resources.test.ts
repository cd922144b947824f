import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Invoke } from '../functions/pool.ts';
import { unmadeAttribute } from '../template/resource-ids.ts';
import { makeCustomResources } from './custom-resources.ts';

const place = {
  accountId: '000000000000',
  region: 'us-east-1',
  stackName: 'Stack',
  apiUrl: 'http://localhost:1',
};
const spec = { logicalId: 'Key', type: 'Custom::Key', functionArn: 'arn:fn', properties: { Size: '32' } };
const event = z.looseObject({ ResponseURL: z.url(), RequestId: z.string() });

/** A function that sends this response to CloudFormation. */
const answering =
  (body: (requestId: string) => string): Invoke =>
  async (given) => {
    const { ResponseURL, RequestId } = event.parse(given);
    await fetch(ResponseURL, { method: 'PUT', body: body(RequestId) });
  };
const makeWith = (invoke: Invoke) => makeCustomResources({ specs: [spec], place, functionOf: () => invoke });
const make = (said: object) => makeWith(answering((RequestId) => JSON.stringify({ RequestId, ...said })));

describe('a custom resource', () => {
  it('has the attributes that its function returned', async () => {
    const fillIn = await make({ Status: 'SUCCESS', Data: { Value: 'k1' }, NoEcho: true });
    expect(fillIn(`before ${unmadeAttribute('Key', 'Value')} after`)).toBe('before k1 after');
    expect(fillIn('{made of nothing}')).toBe('{made of nothing}');
    expect(() => fillIn(unmadeAttribute('Key', 'Other'))).toThrow(/Key.Other/);
  });

  it('stops the start with the reason of a failed function', async () => {
    await expect(make({ Status: 'FAILED', Reason: 'no bucket' })).rejects.toThrow(
      /Custom::Key Key.*no bucket/,
    );
  });

  it.each([
    ['that is not JSON', 'nonsense', /Custom::Key Key.*refused\.\n.*not JSON/],
    ['without a status', '{}', /Custom::Key Key.*refused\.\n.*\n.*at Status/],
    ['over the limit', ' '.repeat(4097), /Custom::Key Key.*refused\.\n.*over 4096 bytes/],
  ])('stops the start at a response %s', async (_, body, expected) => {
    await expect(makeWith(answering(() => body))).rejects.toThrow(expected);
  });

  it('stops the start when its function sends no response', async () => {
    await expect(makeWith(async () => undefined)).rejects.toThrow('its function sent no answer');
  });
});
