/**
 * The Price List Query API's stand-in: GetProducts of EC2 for a few instance types, in AWS's format. The
 * prices are close to AWS's; only the local stack uses them.
 */
import * as z from 'zod';
import { jsonText } from '../json.ts';
import { AwsError, type AwsService } from './call.ts';

const usd: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'us-east-1': {
    't4g.small': '0.0168000000',
    't4g.medium': '0.0336000000',
    'm7g.medium': '0.0408000000',
    'c8g.2xlarge': '0.3190000000',
  },
  'eu-west-1': { 't4g.small': '0.0184000000', 'c7g.2xlarge': '0.3100000000', 'c8g.2xlarge': '0.3410000000' },
};

const request = z.strictObject({
  ServiceCode: z.literal('AmazonEC2'),
  FormatVersion: z.literal('aws_v1').optional(),
  Filters: z
    .array(z.strictObject({ Type: z.literal('TERM_MATCH'), Field: z.string(), Value: z.string() }))
    .default([]),
  MaxResults: z.int().min(1).max(100).default(100),
});

interface Offer {
  readonly attributes: Readonly<Record<string, string>>;
  readonly usd: string;
  readonly description: string;
}

/**
 * Two offers of an instance hour: on demand, and prepaid by a capacity reservation. The real list has both.
 */
const offersOf = (regionCode: string, instanceType: string, price: string): Offer[] =>
  [
    { capacitystatus: 'Used', usd: price },
    { capacitystatus: 'AllocatedCapacityReservation', usd: '0.0000000000' },
  ].map((one) => ({
    attributes: {
      servicecode: 'AmazonEC2',
      regionCode,
      instanceType,
      operatingSystem: 'Linux',
      preInstalledSw: 'NA',
      tenancy: 'Shared',
      capacitystatus: one.capacitystatus,
      marketoption: 'OnDemand',
    },
    usd: one.usd,
    description: `$${Number(one.usd)} per On Demand Linux ${instanceType} Instance Hour`,
  }));

const offers = Object.entries(usd).flatMap(([region, types]) =>
  Object.entries(types).flatMap(([type, price]) => offersOf(region, type, price)),
);

/** AWS's codes for an on-demand term and its hourly rate (AWS: Reading a service's price list file). */
const termCode = 'JRTCKXETXF';
const rateCode = '6YS6EN2CT7';

const entryOf = ({ attributes, usd, description }: Offer, index: number): string => {
  const sku = `DESK${String(index).padStart(12, '0')}`;
  const published = '2026-11-01T00:00:00Z';
  const dimension = {
    unit: 'Hrs',
    beginRange: '0',
    endRange: 'Inf',
    description,
    appliesTo: [],
    rateCode: `${sku}.${termCode}.${rateCode}`,
    pricePerUnit: { USD: usd },
  };
  const term = {
    priceDimensions: { [dimension.rateCode]: dimension },
    sku,
    effectiveDate: published,
    offerTermCode: termCode,
    termAttributes: {},
  };
  return JSON.stringify({
    product: { productFamily: 'Compute Instance', attributes, sku },
    serviceCode: 'AmazonEC2',
    terms: { OnDemand: { [`${sku}.${termCode}`]: term } },
    version: '20261101000000',
    publicationDate: published,
  });
};

export const playPriceList: AwsService = async ({ operation, body }) => {
  if (operation !== 'GetProducts')
    throw new AwsError('NotImplemented', `The stack on one machine has no pricing:${operation}.`, 501);
  const parsed = jsonText(request).safeParse(body.toString());
  if (!parsed.success) throw new AwsError('InvalidParameterException', z.prettifyError(parsed.error));
  const { Filters, MaxResults } = parsed.data;
  const found = offers.filter(({ attributes }) =>
    Filters.every(({ Field, Value }) => attributes[Field] === Value),
  );
  const PriceList = found.slice(0, MaxResults).map(entryOf);
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ FormatVersion: 'aws_v1', PriceList }),
  };
};
