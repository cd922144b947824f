/** Stored item that its schema rejects: somebody changed it by hand, or a later version wrote it. */
export class UnreadableItem extends Error {
  override readonly name = 'UnreadableItem';
  readonly key: { readonly pk: string; readonly sk: string };

  constructor({ pk, sk }: UnreadableItem['key'], fields: readonly string[]) {
    super(`The item ${pk} ${sk} cannot be read: see ${fields.join(', ')}.`);
    this.key = { pk, sk };
  }
}
