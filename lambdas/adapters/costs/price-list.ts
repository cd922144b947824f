/** AWS's Price List Query API: on-demand price of an instance type per hour, with plain Linux. */
import { FilterType, GetProductsCommand, PricingClient } from '@aws-sdk/client-pricing';
import * as z from 'zod';
import type { PricedType } from '../../core/costs/prices.ts';

/**
 * Returns micro-dollars per hour; undefined when the list has no such price, or several. Throws when the
 * request fails.
 */
export type AskPrice = (type: PricedType) => Promise<number | undefined>;

/**
 * Region of the API's endpoint. Few regions have one, and each knows all prices (AWS: Finding services and
 * products using the Price List Query API).
 */
const endpointRegion = 'us-east-1';

/** No request of a user waits for a price, and the function has other work. */
const makeClient = () =>
  new PricingClient({
    region: endpointRegion,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 2000, requestTimeout: 4000, throwOnRequestTimeout: true },
  });

/** Part of an entry of `PriceList` that is read (AWS: Reading a service's price list file). */
const product = z.object({
  terms: z.object({
    OnDemand: z
      .record(
        z.string(),
        z.object({
          priceDimensions: z.record(
            z.string(),
            z.object({ unit: z.string(), pricePerUnit: z.record(z.string(), z.string()) }),
          ),
        }),
      )
      .default({}),
  }),
});

/** The SDK returns objects that stand for strings of JSON. */
const entries = z.array(z.coerce.string()).default([]);

/**
 * Reads micro-dollars per hour. Products that AWS never sells alone, such as reserved capacity, are listed
 * for 0.
 */
const pricesIn = (entry: string): number[] =>
  Object.values(product.parse(JSON.parse(entry)).terms.OnDemand)
    .flatMap(({ priceDimensions }) => Object.values(priceDimensions))
    .filter(({ unit }) => unit === 'Hrs')
    .map(({ pricePerUnit }) => Math.round(Number(pricePerUnit.USD) * 1_000_000))
    .filter((microUsd) => microUsd > 0);

export const awsPriceList =
  (client = makeClient()): AskPrice =>
  async ({ region, instanceType }) => {
    const fields = {
      regionCode: region,
      instanceType,
      operatingSystem: 'Linux',
      preInstalledSw: 'NA',
      tenancy: 'Shared',
      capacitystatus: 'Used',
    };
    const { PriceList } = await client.send(
      new GetProductsCommand({
        ServiceCode: 'AmazonEC2',
        FormatVersion: 'aws_v1',
        Filters: Object.entries(fields).map(([Field, Value]) => ({
          Type: FilterType.TERM_MATCH,
          Field,
          Value,
        })),
      }),
    );
    const [price, ...others] = new Set(entries.parse(PriceList).flatMap(pricesIn));
    return others.length > 0 ? undefined : price;
  };
