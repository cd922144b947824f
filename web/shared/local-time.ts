/** Moments by the clock of this browser. */

export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** As a field for a date and a time has it. */
export const toField = (at: string | undefined): string => {
  if (at === undefined) return '';
  const date = new Date(at);
  const day = [
    String(date.getFullYear()).padStart(4, '0'),
    twoDigits(date.getMonth() + 1),
    twoDigits(date.getDate()),
  ];
  return `${day.join('-')}T${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
};

/** What cannot be a date yet is none. */
export const fromField = (text: string): string | undefined => {
  const date = new Date(text);
  return text === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
};
