/** Micro-dollars as dollars. */
import type { ReactNode } from 'react';

const whole = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD' });
const fine = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 4,
  maximumFractionDigits: 4,
});

/** Small sums with four digits: a task costs hundredths of a cent. */
export const formatMoney = (microUsd: number): string => {
  const dollars = microUsd / 1_000_000;
  if (microUsd !== 0 && Math.abs(dollars) < 0.000_05) return '< $0.0001';
  return (dollars !== 0 && Math.abs(dollars) < 1 ? fine : whole).format(dollars);
};

export const Money = ({ microUsd }: { readonly microUsd: number | undefined }): ReactNode =>
  microUsd === undefined ? <span className="quiet-text">–</span> : formatMoney(microUsd);
