/** The resources of a template that exist under its conditions, to be read by type. */
import * as z from 'zod';
import type { Template } from './file.ts';
import { resolve } from './intrinsics.ts';
import { distributionDomain, type Identity, isCustom, type Place } from './resource-ids.ts';
import { tagList } from './resource-properties.ts';
import { scopeOf } from './scope.ts';

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly identity: Identity;
  /** ARN of the resource; empty for a type without one. */
  readonly arn: string;
  tags(): Readonly<Record<string, string>>;
  /**
   * Resolves the properties and parses them. Only on demand: an inert resource may use functions that are
   * unsupported here.
   */
  read<T extends z.ZodType>(schema: T): z.infer<T>;
}

export interface Resources {
  readonly place: Place;
  ofType(...types: readonly string[]): readonly Resource[];
  readonly custom: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

export const resourcesOf = (template: Template, place: Place): Resources => {
  const scope = scopeOf(template, place);
  const all = Object.entries(template.Resources)
    .filter(([, { Condition }]) => Condition === undefined || scope.condition(Condition))
    .map(([logicalId, { Type, Properties }]): Resource => {
      // Tags of most resources have no effect here; those of instances come with the launch.
      const { Tags, ...others } = Properties;
      const identity = scope.identity(logicalId);
      return {
        logicalId,
        type: Type,
        identity,
        arn: identity.attributes.Arn ?? '',
        tags: () => tagList.parse(resolve(Tags, scope)),
        read: (schema) => {
          const parsed = schema.safeParse(resolve(others, scope));
          if (parsed.success) return parsed.data;
          throw new Error(
            `The stack on one machine cannot run ${Type} ${logicalId}:\n${z.prettifyError(parsed.error)}`,
          );
        },
      };
    });
  const outputs = Object.entries(template.Outputs).map(([name, { Value }]) => [name, resolve(Value, scope)]);
  return {
    place,
    ofType: (...types) => all.filter(({ type }) => types.includes(type)),
    custom: all.filter(({ type }) => isCustom(type)),
    outputs: hereIn(Object.fromEntries(outputs), place),
  };
};

/** Replaces CloudFront's address by this machine's. */
export const hereIn = <T>(
  values: Readonly<Record<string, T>>,
  { apiUrl }: Place,
): Record<string, T | string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replaceAll(`https://${distributionDomain}`, apiUrl) : value,
    ]),
  );
