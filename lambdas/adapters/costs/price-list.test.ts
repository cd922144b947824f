import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PricingClient } from '@aws-sdk/client-pricing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsPriceList } from './price-list.ts';

const sent: unknown[] = [];
let answer: { status: number; body: unknown };
let server: Server;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    sent.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(() => server?.close());

const ask = () => {
  const { port } = server.address() as AddressInfo;
  const client = new PricingClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
  return awsPriceList(client)({ region: 'eu-west-1', instanceType: 'c8g.2xlarge' });
};

const dimension = (usd: Record<string, string>, unit = 'Hrs') => ({
  unit,
  beginRange: '0',
  endRange: 'Inf',
  pricePerUnit: usd,
});
const entry = (...dimensions: ReturnType<typeof dimension>[]) =>
  JSON.stringify({
    product: { productFamily: 'Compute Instance', attributes: { instanceType: 'c8g.2xlarge' }, sku: 'S' },
    serviceCode: 'AmazonEC2',
    terms: {
      OnDemand: {
        'S.T': { priceDimensions: Object.fromEntries(dimensions.map((one, at) => [`S.T.${at}`, one])) },
      },
      Reserved: { 'S.R': { priceDimensions: { 'S.R.1': dimension({ USD: '0.1000000000' }) } } },
    },
  });
const listed = (...PriceList: string[]) => {
  answer = { status: 200, body: { FormatVersion: 'aws_v1', PriceList } };
};

describe('the price list', () => {
  it('returns the on-demand price of one type in one region, with plain Linux', async () => {
    listed(entry(dimension({ USD: '0.3410000000' })));
    expect(await ask()).toBe(341_000);
    expect(sent.at(-1)).toEqual({
      ServiceCode: 'AmazonEC2',
      FormatVersion: 'aws_v1',
      Filters: [
        { Type: 'TERM_MATCH', Field: 'regionCode', Value: 'eu-west-1' },
        { Type: 'TERM_MATCH', Field: 'instanceType', Value: 'c8g.2xlarge' },
        { Type: 'TERM_MATCH', Field: 'operatingSystem', Value: 'Linux' },
        { Type: 'TERM_MATCH', Field: 'preInstalledSw', Value: 'NA' },
        { Type: 'TERM_MATCH', Field: 'tenancy', Value: 'Shared' },
        { Type: 'TERM_MATCH', Field: 'capacitystatus', Value: 'Used' },
      ],
    });
  });

  it('returns no price for an entry of 0, in another unit or in another currency', async () => {
    listed();
    expect(await ask()).toBeUndefined();
    listed(
      entry(dimension({ USD: '0.0000000000' }), dimension({ USD: '5' }, 'Quantity'), dimension({ CNY: '2' })),
    );
    expect(await ask()).toBeUndefined();
  });

  it('returns no price when there are several, as a wrong one is worse than none', async () => {
    const one = entry(dimension({ USD: '0.3410000000' }));
    listed(one, one);
    expect(await ask()).toBe(341_000);
    listed(one, entry(dimension({ USD: '0.3500000000' })));
    expect(await ask()).toBeUndefined();
  });

  it('fails when AWS refuses, and when the answer cannot be parsed', async () => {
    answer = { status: 400, body: { __type: 'AccessDeniedException', message: 'no' } };
    await expect(ask()).rejects.toThrow('no');
    listed('{"terms":{"OnDemand":7}}');
    await expect(ask()).rejects.toThrow();
  });
});
