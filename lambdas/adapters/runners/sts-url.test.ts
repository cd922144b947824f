import { STSClient } from '@aws-sdk/client-sts';
import { expect, it } from 'vitest';
import { region, stsUrl } from '../../../protocol/index.ts';

it.each(['us-east-1', 'ap-southeast-2', 'us-gov-west-1', 'cn-north-1', 'eusc-de-east-1'])(
  "has STS of %s where AWS's own client has it",
  (name) => {
    const { config } = new STSClient({ region: name });
    const { url } = config.endpointProvider({ Region: name, UseDualStack: false, UseFIPS: false });
    expect(stsUrl(name)).toBe(`${url.origin}/`);
    expect(region.safeParse(name).success).toBe(true);
  },
);
