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
const telling =
  (said: object): Invoke =>
  async (given) => {
    const { ResponseURL, RequestId } = event.parse(given);
    await fetch(ResponseURL, { method: 'PUT', body: JSON.stringify({ RequestId, ...said }) });
  };
const make = (said: object) => makeCustomResources({ specs: [spec], place, functionOf: () => telling(said) });

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
});
