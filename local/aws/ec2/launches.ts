/**
 * CreateFleet over the stand-in's instances: from the launch templates of the fleets' stacks, with their
 * zones and shortages.
 */
import { randomUUID } from 'node:crypto';
import type { LaunchTemplateSpec, SubnetSpec } from '../../template/stack-spec.ts';
import { AwsError } from '../call.ts';
import type { Fleet } from './fleet.ts';
import { anImage, type LaunchOverride, type LaunchRequest, unknownTemplate } from './launch-request.ts';

/** A capacity shortage. An absent field matches every value. */
export interface Shortage {
  readonly market?: 'spot' | 'on-demand';
  readonly instanceType?: string;
  readonly zone?: string;
  /** @default InsufficientInstanceCapacity */
  readonly code?: string;
}

/** Launch templates and subnets for fleets. */
export interface LaunchWorld {
  readonly launchTemplates: readonly LaunchTemplateSpec[];
  readonly subnets: readonly SubnetSpec[];
}

interface Answer {
  readonly instance?: { readonly id: string; readonly instanceType: string };
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

const items = (list: readonly unknown[]) => ({ item: list });

export const makeLaunches = (fleet: Fleet, { launchTemplates, subnets }: LaunchWorld) => {
  let shortages: readonly Shortage[] = [];
  const answers = new Map<string, { readonly request: string; readonly answer: Answer }>();

  const zoneOf = ({ subnetId }: LaunchOverride, region: string): string => {
    const found = subnets.find(({ id }) => id === subnetId);
    if (found?.region === region) return found.zone;
    throw new AwsError('InvalidSubnetID.NotFound', `The subnet ID '${subnetId}' does not exist`);
  };

  const lacking = (override: LaunchOverride, zone: string, market: LaunchRequest['market']) =>
    shortages.find(
      (one) =>
        (one.market ?? market) === market &&
        (one.instanceType ?? override.instanceType) === override.instanceType &&
        (one.zone ?? zone) === zone,
    );

  const launch = (request: LaunchRequest, region: string): Answer => {
    const template = launchTemplates.find(
      (one) => one.name === request.launchTemplate && one.region === region,
    );
    if (!template) throw unknownTemplate(request.launchTemplate);
    const errors: { code: string; message: string }[] = [];
    const inOrder = request.overrides.toSorted((a, b) => a.priority - b.priority);
    for (const override of inOrder) {
      const zone = zoneOf(override, region);
      const shortage = lacking(override, zone, request.market);
      if (shortage) {
        const code = shortage.code ?? 'InsufficientInstanceCapacity';
        errors.push({ code, message: `There is no ${request.market} ${override.instanceType} in ${zone}.` });
        continue;
      }
      const instance = fleet.create({
        region,
        instanceType: override.instanceType,
        imageId: template.imageId.startsWith('ami-') ? template.imageId : anImage,
        state: 'pending',
        tags: { ...template.tagsOf.instance, ...request.tagsOf.instance },
        market: request.market,
        roleName: template.role.name,
        canHibernate: template.canHibernate,
      });
      return { instance, errors };
    }
    return { errors };
  };

  /**
   * Launches once per client token: a repeated request changes nothing, and a different request is rejected.
   */
  const launchOnce = (request: LaunchRequest, region: string): Answer => {
    const text = JSON.stringify([request, region]);
    const before = answers.get(request.clientToken);
    if (!before) {
      const answer = launch(request, region);
      answers.set(request.clientToken, { request: text, answer });
      return answer;
    }
    if (before.request === text) return before.answer;
    throw new AwsError(
      'IdempotentParameterMismatch',
      'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
    );
  };

  return {
    setShortages: (given: readonly Shortage[]) => {
      shortages = [...given];
    },

    createFleet: (request: LaunchRequest, region: string): Record<string, unknown> => {
      const { instance, errors } = launchOnce(request, region);
      const { market } = request;
      return {
        fleetId: `fleet-${randomUUID()}`,
        errorSet: items(
          errors.map(({ code, message }) => ({ lifecycle: market, errorCode: code, errorMessage: message })),
        ),
        fleetInstanceSet: items(
          instance
            ? [{ lifecycle: market, instanceIds: items([instance.id]), instanceType: instance.instanceType }]
            : [],
        ),
      };
    },

    describeSubnets: (region: string, matches: (tags: Readonly<Record<string, string>>) => boolean) => ({
      subnetSet: items(
        subnets
          .filter((one) => one.region === region && matches(one.tags))
          .map(({ id, zone }) => ({ subnetId: id, availabilityZone: zone })),
      ),
    }),
  };
};
