/** Interprets a synthesized template: the resources that the local stack runs, in the form it runs them. */
import * as z from 'zod';
import { readDistribution } from './distribution.ts';
import type { Assets, Template } from './file.ts';
import { launchTemplatesIn, subnetsIn } from './fleets.ts';
import { eventSourcesIn, functionsIn, rolesIn, routesIn, rulesIn } from './functions.ts';
import { isRecord } from './intrinsics.ts';
import type { Place } from './resource-ids.ts';
import * as properties from './resource-properties.ts';
import { type Resources, resourcesOf } from './resources.ts';
import type { CustomResourceSpec, KmsKeySpec, QueueSpec, StackSpec, TableSpec } from './stack-spec.ts';

/**
 * Returns the template's resources for an account, region and stack. Throws an error that names an
 * unsupported resource.
 */
export const interpret = (template: Template, assets: Assets, place: Place): StackSpec => {
  const resources = resourcesOf(template, place);
  const roles = rolesIn(resources);
  const functions = functionsIn(resources, roles, assets);
  const refsOf = (type: string) => resources.ofType(type).map(({ identity }) => identity.ref);
  return {
    place,
    tables: tablesIn(resources),
    queues: queuesIn(resources),
    buckets: refsOf('AWS::S3::Bucket'),
    kmsKeys: kmsKeysIn(resources),
    scheduleGroups: refsOf('AWS::Scheduler::ScheduleGroup'),
    roles,
    functions,
    routes: routesIn(resources),
    eventSources: eventSourcesIn(resources, functions),
    rules: rulesIn(resources),
    distribution: readDistribution(resources),
    customResources: customResourcesIn(resources),
    launchTemplates: launchTemplatesIn(resources, roles),
    subnets: subnetsIn(resources),
    outputs: resources.outputs,
  };
};

const tablesIn = ({ ofType }: Resources): TableSpec[] =>
  ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').map(({ identity, read }) => {
    const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = read(properties.table);
    return {
      name: identity.ref,
      keySchema: KeySchema,
      attributeDefinitions: AttributeDefinitions,
      globalSecondaryIndexes: GlobalSecondaryIndexes,
    };
  });

const queuesIn = ({ ofType }: Resources): QueueSpec[] =>
  ofType('AWS::SQS::Queue').map(({ identity, arn, read }) => {
    const { QueueName: _, ...attributes } = read(z.record(z.string(), z.unknown()));
    return {
      name: identity.attributes.QueueName ?? '',
      url: identity.ref,
      arn,
      attributes: queueAttributes(attributes),
    };
  });

const kmsKeysIn = ({ ofType }: Resources): KmsKeySpec[] =>
  ofType('AWS::KMS::Key').map(({ arn, read }) => ({ arn, policy: read(properties.kmsKey).KeyPolicy }));

const customResourcesIn = ({ custom }: Resources): CustomResourceSpec[] =>
  custom.map(({ logicalId, type, read }) => {
    const { ServiceToken, ...others } = read(properties.customResource);
    return { logicalId, type, functionArn: ServiceToken, properties: others };
  });

/** Attributes for CreateQueue, which takes text for all of them and a redrive policy as JSON. */
const queueAttributes = (properties: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      isRecord(value) ? JSON.stringify(value) : String(value),
    ]),
  );
