/**
 * On-demand prices of instances with Linux, in integer micro-dollars per hour: from AWS's price list or a
 * dated table.
 */
import type { HourlyPrice } from '../../../protocol/index.ts';

/** Instance type and region, as prices differ by region. */
export interface PricedType {
  readonly region: string;
  readonly instanceType: string;
}

/** Looks up a price; undefined when it is unknown: no figure is better than a wrong one. */
export type Prices = (region: string, instanceType: string | undefined) => HourlyPrice | undefined;

/** Month of the table below. Source: https://aws.amazon.com/ec2/pricing/on-demand/ */
export const tableAsOf = '2026-06';

const families = {
  t3: { nano: 5_200, micro: 10_400, small: 20_800, medium: 41_600, large: 83_200, xlarge: 166_400 },
  t3a: { nano: 4_700, micro: 9_400, small: 18_800, medium: 37_600, large: 75_200, xlarge: 150_400 },
  t4g: { nano: 4_200, micro: 8_400, small: 16_800, medium: 33_600, large: 67_200, xlarge: 134_400 },
  m6g: { medium: 38_500, large: 77_000, xlarge: 154_000, '2xlarge': 308_000 },
  m7g: { medium: 40_800, large: 81_600, xlarge: 163_200, '2xlarge': 326_400 },
  m6i: { large: 96_000, xlarge: 192_000, '2xlarge': 384_000 },
  m7i: { large: 100_800, xlarge: 201_600, '2xlarge': 403_200 },
  c6g: { medium: 34_000, large: 68_000, xlarge: 136_000, '2xlarge': 272_000 },
  c7g: { medium: 36_300, large: 72_500, xlarge: 145_000, '2xlarge': 290_000 },
  c6i: { large: 85_000, xlarge: 170_000, '2xlarge': 340_000 },
} as const satisfies Record<string, Record<string, number>>;

const unitedStates: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(families).flatMap(([family, sizes]) =>
    Object.entries(sizes).map(([size, microUsd]) => [`${family}.${size}`, microUsd]),
  ),
);

/** Regions with the prices of us-east-1. Others are listed type by type, as they differ by family. */
const unitedStatesRegions = new Set(['us-east-1', 'us-east-2', 'us-west-2']);

const elsewhere: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'eu-west-1': {
    't3.micro': 11_400,
    't3.small': 22_800,
    't3.medium': 45_600,
    't4g.micro': 9_200,
    't4g.small': 18_400,
    't4g.medium': 36_800,
  },
  'eu-central-1': {
    't3.micro': 12_000,
    't3.small': 24_000,
    't3.medium': 48_000,
    't4g.micro': 9_600,
    't4g.small': 19_200,
    't4g.medium': 38_400,
  },
  'ap-southeast-2': {
    't3.micro': 13_200,
    't3.small': 26_400,
    't3.medium': 52_800,
    't4g.micro': 10_600,
    't4g.small': 21_200,
    't4g.medium': 42_400,
  },
};

/** Prices of the table alone, for types without a price from the price list. */
export const tablePrices: Prices = (region, instanceType) => {
  if (instanceType === undefined) return undefined;
  const microUsdPerHour = (unitedStatesRegions.has(region) ? unitedStates : elsewhere[region])?.[
    instanceType
  ];
  return microUsdPerHour === undefined ? undefined : { microUsdPerHour, asOf: tableAsOf };
};

/** Prices from the price list, and from the table for other types. */
export const pricesFrom = (listed: readonly (PricedType & HourlyPrice)[]): Prices => {
  const keyOf = (region: string, instanceType: string | undefined) => `${region} ${instanceType}`;
  const known = new Map(
    listed.map(({ region, instanceType, microUsdPerHour, asOf }) => [
      keyOf(region, instanceType),
      { microUsdPerHour, asOf },
    ]),
  );
  return (region, instanceType) =>
    known.get(keyOf(region, instanceType)) ?? tablePrices(region, instanceType);
};
