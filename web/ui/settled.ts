/** Returns the typed value once the typing pauses. */
import { useEffect, useState } from 'react';

const pauseMs = 250;

export const useSettled = <T>(value: T): T => {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), pauseMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
};
