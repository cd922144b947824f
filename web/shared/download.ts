/** Saves a file in the browser. A long text may come in parts. */
export const download = (name: string, text: string | string[], type = 'text/plain'): void => {
  const url = URL.createObjectURL(new Blob([text].flat(), { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
};
