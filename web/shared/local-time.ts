/** Converts instants by the browser's clock. */

export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Value of a date-and-time field. */
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

/** Instant of a field's value; undefined when the text is not a date yet. */
export const fromField = (text: string): string | undefined => {
  const date = new Date(text);
  return text === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
};
