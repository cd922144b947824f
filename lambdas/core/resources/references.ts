/** Ids of other resources in its project that a resource refers to. */
import type {
  IntegrationInput,
  InventoryInput,
  RepositoryInput,
  ScheduleInput,
  TemplateInput,
} from '../../../protocol/index.ts';

type Referring = Partial<
  Pick<TemplateInput, 'inventoryId' | 'repositoryId' | 'environmentId' | 'ansible'> &
    Pick<InventoryInput & RepositoryInput, 'keyId'> &
    Pick<IntegrationInput, 'auth'> &
    Pick<ScheduleInput, 'templateId'>
>;

export const referencesOf = (input: Referring): string[] => {
  const { inventoryId, repositoryId, environmentId, ansible, keyId, auth, templateId } = input;
  const vaultKeyIds = (ansible?.vaultKeys ?? []).map((vault) => vault.keyId);
  const authKeyId = auth === undefined || auth.type === 'url' ? undefined : auth.keyId;
  return [
    ...[inventoryId, repositoryId, environmentId, keyId, templateId],
    ...[ansible?.becomeKeyId, ...vaultKeyIds, authKeyId],
  ].filter((id) => id !== undefined);
};
