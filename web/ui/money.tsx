/** Formats micro-dollars as dollars. */
import type { ReactNode } from 'react';

const dollars = (digits: Intl.NumberFormatOptions) =>
  new Intl.NumberFormat(undefined, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    ...digits,
  });
const whole = dollars({});
const fine = dollars({ minimumFractionDigits: 4, maximumFractionDigits: 4 });
const rough = dollars({ minimumFractionDigits: 0, maximumFractionDigits: 4 });
const tiny = dollars({ maximumSignificantDigits: 2 });

/** Formats small sums with four digits: a task costs hundredths of a cent. */
export const formatMoney = (microUsd: number): string => {
  const usd = microUsd / 1_000_000;
  if (microUsd !== 0 && Math.abs(usd) < 0.000_05) return '< $0.0001';
  return (usd !== 0 && Math.abs(usd) < 1 ? fine : whole).format(usd);
};

/** Formats without trailing zeros, for the axis of a chart. */
export const roughMoney = (microUsd: number): string => {
  const usd = microUsd / 1_000_000;
  return (usd !== 0 && Math.abs(usd) < 0.01 ? tiny : rough).format(usd);
};

export const Money = ({ microUsd }: { readonly microUsd: number | undefined }): ReactNode =>
  microUsd === undefined ? <span className="quiet-text">–</span> : formatMoney(microUsd);
