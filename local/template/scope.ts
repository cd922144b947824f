/** Resolves the names in a template for an account, region and stack. */
import type { Template } from './file.ts';
import { noValue, resolve, type Scope } from './intrinsics.ts';
import { type Identity, identify, isCustom, type Place, unmadeAttribute } from './resource-ids.ts';

export interface TemplateScope extends Scope {
  readonly identity: (logicalId: string) => Identity;
}

export const scopeOf = (template: Template, place: Place): TemplateScope => {
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::AccountId': place.accountId,
    'AWS::Region': place.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': place.stackName,
    'AWS::StackId': `arn:aws:cloudformation:${place.region}:${place.accountId}:stack/${place.stackName}/local`,
    'AWS::NoValue': noValue,
  };
  const identities = new Map<string, Identity>();
  const underway = new Set<string>();

  const identity = (logicalId: string): Identity => {
    const known = identities.get(logicalId);
    if (known) return known;
    const found = template.Resources[logicalId];
    if (!found) throw new Error(`The template has no resource ${logicalId}.`);
    if (underway.has(logicalId)) throw new Error(`The name of ${logicalId} depends on itself.`);
    underway.add(logicalId);
    const property = (name: string) => resolve(found.Properties[name], scope);
    const made = identify(found.Type, logicalId, property, place);
    underway.delete(logicalId);
    identities.set(logicalId, made);
    return made;
  };
  const scope: Scope = {
    ref: (name) => {
      if (name in pseudo) return pseudo[name];
      const parameter = template.Parameters[name];
      return parameter ? parameter.Default : identity(name).ref;
    },
    attribute: (logicalId, name) => {
      const value = identity(logicalId).attributes[name];
      if (value === undefined) {
        const { Type = '' } = template.Resources[logicalId] ?? {};
        if (isCustom(Type)) return unmadeAttribute(logicalId, name);
        throw new Error(
          `The stack on one machine does not know the attribute ${name} of ${Type} ${logicalId}.`,
        );
      }
      return value;
    },
    condition: (name) => {
      if (!(name in template.Conditions)) throw new Error(`The template has no condition ${name}.`);
      return resolve(template.Conditions[name], scope) === true;
    },
  };
  return { ...scope, identity };
};
