/** AWS's Price List Query API: what an hour of an instance type costs on demand, with Linux and nothing installed on it. */
import { FilterType, GetProductsCommand, PricingClient } from '@aws-sdk/client-pricing';
import * as z from 'zod';
import type { PricedType } from '../../core/costs/prices.ts';

/** Micro-dollars an hour; undefined when the list has no such price, or several. Throws when it cannot be asked. */
export type AskPrice = (type: PricedType) => Promise<number | undefined>;

/** It has an endpoint in few regions, each of which knows the prices of all (AWS: Finding services and products using the Price List Query API). */
const endpointRegion = 'us-east-1';

/** Nobody waits for it, and the function has other work. */
const makeClient = () =>
  new PricingClient({
    region: endpointRegion,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 2000, requestTimeout: 4000, throwOnRequestTimeout: true },
  });

/** An entry of `PriceList`, as far as it is read (AWS: Reading a service's price list file). */
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

/** The SDK has them as objects that stand for strings of JSON. */
const entries = z.array(z.coerce.string()).default([]);

/** Micro-dollars an hour. Products that are never sold by themselves, such as what a reservation has paid for, are in the list for 0. */
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
