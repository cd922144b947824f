/** Checks static inventories and inline playbooks, which Ansible reads, when they change. */
import type { Inventory, InventoryInput, Template, TemplateInput } from '../../../protocol/index.ts';
import { iniFault } from '../../core/resources/ini-inventory.ts';
import type { YamlRoot } from '../../core/resources/yaml-text.ts';
import type { FieldErrors } from '../../problems.ts';

/** Loaded on assigned: the YAML parser would lengthen every cold start. */
const yamlFault = async (text: string, root: YamlRoot): Promise<string | undefined> =>
  (await import('../../core/resources/yaml-text.ts')).yamlFault(text, root);

/** Ansible reads a YAML inventory as INI when it is not valid YAML. */
const inventoryFault = async ({ type, content }: { type: string; content: string }) => {
  const fault = iniFault(content);
  return type === 'static' || fault === undefined ? fault : yamlFault(content, 'a map of groups');
};

export const inventoryFaults = async (
  input: InventoryInput,
  before: Inventory | undefined,
): Promise<FieldErrors> => {
  if (input.type === 'file') return [];
  if (before?.type === input.type && before.content === input.content) return [];
  const message = await inventoryFault(input);
  return message === undefined ? [] : [{ path: 'content', message }];
};

export const playbookFaults = async (
  { app, script }: TemplateInput,
  before: Template | undefined,
): Promise<FieldErrors> => {
  if (app !== 'ansible' || script === undefined) return [];
  if (before?.app === app && before.script === script) return [];
  const message = await yamlFault(script, 'a list of plays');
  return message === undefined ? [] : [{ path: 'script', message }];
};
