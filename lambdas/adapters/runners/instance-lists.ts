/** Facts about many EC2 instances, by few calls. */
import {
  type EC2Client,
  type Filter,
  paginateDescribeInstanceStatus,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
import { tagsOf } from '../fleets/launches.ts';
import { factsOf, type InstanceFacts, type LaunchedFacts, tagOf } from './instance-facts.ts';

/** Region of the instances. Without one: the control plane's. */
interface Where {
  readonly region?: string;
}

export interface InstanceLists {
  /** Lists the instances with the stack's tag that are neither stopped nor terminated. */
  listAwake(where: Where & { readonly stack: string }): Promise<InstanceFacts[]>;
  /** Describes instances by their ids; leaves out those that EC2 doesn't know. */
  describeAll(where: Where & { readonly instanceIds: readonly string[] }): Promise<InstanceFacts[]>;
  /** Lists the ids of all instances of the account that fail one of EC2's status checks. */
  listImpaired(where: Where): Promise<string[]>;
  /**
   * Lists instances that fleets of this control plane have launched in a region and that are not terminated,
   * for one runner or for all. Another control plane in another region may have the same stack name, but not
   * the same API.
   */
  listLaunched(where: {
    readonly region: string;
    readonly stack: string;
    readonly apiUrl: string;
    readonly runner?: string;
  }): Promise<LaunchedFacts[]>;
}

/**
 * Maximum instances of a page. A call without a maximum counts as unpaginated, and EC2 throttles those first:
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
const pageSize = 1000;
/** Maximum values of a filter: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html */
const filterValues = 200;

/**
 * Status checks: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html; all
 * filters must match.
 */
const checks = ['instance-status.status', 'system-status.status'];

export const instanceLists = (clientOf: (where: Where) => EC2Client): InstanceLists => {
  const find = async <T>(
    where: Where,
    Filters: Filter[],
    read: (found: Parameters<typeof factsOf>[0]) => T | undefined,
  ): Promise<T[]> => {
    const found: T[] = [];
    for await (const page of paginateDescribeInstances({ client: clientOf(where), pageSize }, { Filters })) {
      const instances = page.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? [];
      found.push(...instances.flatMap((instance) => read(instance) ?? []));
    }
    return found;
  };

  return {
    listAwake: ({ stack, ...where }) =>
      find(
        where,
        [
          { Name: `tag:${tagsOf.stack}`, Values: [stack] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'shutting-down'] },
        ],
        factsOf,
      ),

    // By a filter: the parameter InstanceIds excludes pages, and one unknown id fails the call.
    describeAll: async ({ instanceIds, ...where }) => {
      const found: InstanceFacts[] = [];
      for (let from = 0; from < instanceIds.length; from += filterValues) {
        const Values = instanceIds.slice(from, from + filterValues);
        found.push(...(await find(where, [{ Name: 'instance-id', Values }], factsOf)));
      }
      return found;
    },

    listLaunched: ({ region, stack, apiUrl, runner = '*' }) =>
      find(
        { region },
        [
          { Name: `tag:${tagsOf.stack}`, Values: [stack] },
          { Name: `tag:${tagsOf.api}`, Values: [apiUrl] },
          { Name: `tag:${tagsOf.runner}`, Values: [runner] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
        ],
        (instance) => {
          const facts = factsOf(instance);
          const tag = (key: string) => (instance && tagOf(instance, key)) ?? '';
          return facts && { ...facts, fleet: tag(tagsOf.fleet), runner: tag(tagsOf.runner) };
        },
      ),

    listImpaired: async (where) => {
      const found = new Set<string>();
      for (const Name of checks) {
        const impaired = { Filters: [{ Name, Values: ['impaired'] }] };
        const pages = paginateDescribeInstanceStatus({ client: clientOf(where), pageSize }, impaired);
        for await (const page of pages) {
          for (const { InstanceId } of page.InstanceStatuses ?? []) if (InstanceId) found.add(InstanceId);
        }
      }
      return [...found];
    },
  };
};
