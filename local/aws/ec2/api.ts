/** EC2's Query API over the fleet: the operations that Reveille uses, with EC2's answers and error codes. */
import { randomUUID } from 'node:crypto';
import { XMLBuilder } from 'fast-xml-parser';
import { type AwsAnswer, AwsError, type AwsService } from '../call.ts';
import type { Buckets } from './buckets.ts';
import type { Fleet, StateChange } from './fleet.ts';
import {
  type FormNode,
  onlyParameters,
  parseForm,
  recordsOf,
  requiredText,
  textOf,
  textsOf,
} from './form.ts';
import { readLaunchRequest, tagsIn } from './launch-request.ts';
import type { makeLaunches } from './launches.ts';
import { filtersIn, pageOf } from './lists.ts';
import { type StateName, stateCodes } from './states.ts';
import type { Instance } from './store.ts';

export interface Ec2Api {
  readonly service: AwsService;
  /** Rejects the next `times` calls of the operation with this error, as AWS would. */
  failNext(operation: string, code: string, message: string, times?: number): void;
}

interface Request {
  readonly form: FormNode;
  readonly region: string;
  readonly fleet: Fleet;
  readonly launches: ReturnType<typeof makeLaunches>;
  readonly accountId: string;
}

type Operation = (request: Request) => Record<string, unknown>;

const builder = new XMLBuilder({ ignoreAttributes: false });

const answer = (operation: string, content: Record<string, unknown>): AwsAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/xml;charset=UTF-8' },
  body: builder.build({
    [`${operation}Response`]: {
      '@_xmlns': 'http://ec2.amazonaws.com/doc/2016-11-15/',
      requestId: randomUUID(),
      ...content,
    },
  }),
});

const items = (list: readonly unknown[]) => ({ item: list });

const stateOf = (name: StateName) => ({ code: stateCodes[name], name });

const described = (instance: Instance) => ({
  instanceId: instance.id,
  imageId: instance.imageId,
  instanceState: stateOf(instance.state),
  instanceType: instance.instanceType,
  launchTime: instance.launchTime,
  placement: { availabilityZone: `${instance.region}a`, tenancy: 'default' },
  architecture: 'arm64',
  stateReason: instance.stateReason,
  instanceLifecycle: instance.market === 'spot' ? 'spot' : undefined,
  tagSet: items(Object.entries(instance.tags).map(([key, value]) => ({ key, value }))),
});

/** Form of an instance id. EC2 rejects a malformed id before it checks permissions. */
export const instanceIdPattern = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

/** Returns the instances with these ids; throws AWS's error for an id that is not in the region. */
const find = ({ fleet, region }: Request, ids: readonly string[]): Instance[] => {
  const malformed = ids.find((id) => !instanceIdPattern.test(id));
  if (malformed !== undefined) {
    throw new AwsError('InvalidInstanceID.Malformed', `Invalid id: "${malformed}"`);
  }
  const known = new Map(
    fleet.list().flatMap((instance) => (instance.region === region ? [[instance.id, instance]] : [])),
  );
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length === 1) {
    throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${missing[0]}' does not exist`);
  }
  if (missing.length > 1) {
    throw new AwsError('InvalidInstanceID.NotFound', `The instance IDs '${missing.join(', ')}' do not exist`);
  }
  return ids.flatMap((id) => known.get(id) ?? []);
};

const named = (request: Request): Instance[] => {
  const ids = textsOf(request.form, 'InstanceId');
  if (ids.length === 0) {
    throw new AwsError('MissingParameter', 'The request must contain the parameter InstanceId');
  }
  return find(request, [...new Set(ids)]);
};

const changes = (list: readonly StateChange[]) => ({
  instancesSet: items(
    list.map(({ instance, previous }) => ({
      instanceId: instance.id,
      currentState: stateOf(instance.state),
      previousState: stateOf(previous),
    })),
  ),
});

const changing =
  (event: 'start' | 'stop' | 'terminate', parameters: readonly string[] = ['InstanceId']): Operation =>
  (request) => {
    onlyParameters(request.form, parameters);
    return changes(request.fleet.change(named(request), event));
  };

const statusOf = ({ impaired }: Instance) => (impaired ? 'impaired' : 'ok');

const filterValue = (instance: Instance, name: string): string | undefined => {
  if (name === 'instance-status.status' || name === 'system-status.status') return statusOf(instance);
  if (name === 'instance-state-name') return instance.state;
  if (name === 'instance-id') return instance.id;
  if (name.startsWith('tag:')) return instance.tags[name.slice('tag:'.length)];
  throw new AwsError('InvalidParameterValue', `The stack on one machine does not know the filter '${name}'`);
};

/** Compares with EC2's filter wildcards: `*` for any characters, `?` for one. */
const matches = (pattern: string, value: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(value);

/** Returns the instances that match a request's ids and filters; without ids, all of the region. */
const selected = (request: Request): Instance[] => {
  const { form, fleet, region } = request;
  const ids = textsOf(form, 'InstanceId');
  const wanted = ids.length > 0 ? find(request, ids) : fleet.list().filter((one) => one.region === region);
  const filters = filtersIn(form);
  return wanted.filter((instance) =>
    filters.every(({ name, values }) => {
      const value = filterValue(instance, name);
      return value !== undefined && values.some((pattern) => matches(pattern, value));
    }),
  );
};

const operations: Readonly<Record<string, Operation>> = {
  StartInstances: changing('start'),
  StopInstances: (request) => {
    onlyParameters(request.form, ['InstanceId', 'Force', 'Hibernate']);
    const instances = named(request);
    const hibernate = textOf(request.form, 'Hibernate') === 'true';
    // CreateFleet makes a one-time spot request (AWS: Stop a Spot Instance).
    const spot = instances.find(({ market }) => market === 'spot');
    if (spot) {
      throw new AwsError(
        'UnsupportedOperation',
        `You can't stop the Spot Instance '${spot.id}' because it is associated with a one-time Spot Instance request.`,
      );
    }
    const other = instances.find(({ canHibernate }) => !canHibernate);
    if (hibernate && other) {
      throw new AwsError(
        'UnsupportedHibernationConfiguration',
        `The instance '${other.id}' was not launched so that it can hibernate.`,
      );
    }
    return changes(request.fleet.change(instances, 'stop', { hibernate }));
  },
  TerminateInstances: changing('terminate'),

  DescribeInstances: (request) => {
    onlyParameters(request.form, ['InstanceId', 'Filter', 'MaxResults', 'NextToken']);
    const { page, nextToken } = pageOf(request.form, selected(request));
    return {
      nextToken,
      reservationSet: items(
        page.map((instance) => ({
          reservationId: instance.id.replace('i-', 'r-'),
          ownerId: request.accountId,
          instancesSet: items([described(instance)]),
        })),
      ),
    };
  },

  DescribeInstanceStatus: (request) => {
    onlyParameters(request.form, ['InstanceId', 'Filter', 'MaxResults', 'NextToken']);
    const running = selected(request).filter(({ state }) => state === 'running');
    const { page, nextToken } = pageOf(request.form, running);
    return {
      nextToken,
      instanceStatusSet: items(
        page.map((instance) => ({
          instanceId: instance.id,
          availabilityZone: `${instance.region}a`,
          instanceState: stateOf(instance.state),
          instanceStatus: { status: statusOf(instance) },
          systemStatus: { status: statusOf(instance) },
        })),
      ),
    };
  },

  CreateFleet: ({ form, launches, region }) => launches.createFleet(readLaunchRequest(form), region),

  DescribeSubnets: ({ form, launches, region }) => {
    onlyParameters(form, ['Filter']);
    const filters = filtersIn(form);
    return launches.describeSubnets(region, (tags) =>
      filters.every(({ name, values }) => {
        if (!name.startsWith('tag:'))
          throw new AwsError(
            'InvalidParameterValue',
            `The stack on one machine does not know the filter '${name}'`,
          );
        return values.includes(tags[name.slice('tag:'.length)] ?? '');
      }),
    );
  },

  RunInstances: ({ form, fleet, region, accountId }) => {
    onlyParameters(form, [
      'ImageId',
      'InstanceType',
      'MinCount',
      'MaxCount',
      'TagSpecification',
      'ClientToken',
    ]);
    const specification = recordsOf(form, 'TagSpecification').find(
      (one) => textOf(one, 'ResourceType') === 'instance',
    );
    const count = Number(requiredText(form, 'MaxCount'));
    if (Number(requiredText(form, 'MinCount')) > count || count < 1) {
      throw new AwsError(
        'InvalidParameterValue',
        'MinCount must not be more than MaxCount, and both at least 1',
      );
    }
    const given = {
      region,
      imageId: requiredText(form, 'ImageId'),
      instanceType: textOf(form, 'InstanceType') ?? 'm1.small',
      state: 'pending',
      tags: specification ? tagsIn(specification) : {},
    } as const;
    const made = Array.from({ length: count }, () => fleet.create(given));
    return {
      reservationId: `r-0${randomUUID().replaceAll('-', '').slice(0, 16)}`,
      ownerId: accountId,
      instancesSet: items(made.map(described)),
    };
  },

  CreateTags: (request) => {
    const { form, fleet } = request;
    onlyParameters(form, ['ResourceId', 'Tag']);
    const tags = tagsIn(form);
    for (const instance of find(request, textsOf(form, 'ResourceId'))) fleet.tag(instance, tags);
    return { return: true };
  },
};

/** EC2's stand-in over the fleet. Rejects unknown operations and parameters, and calls beyond EC2's rates. */
export const makeEc2Api = (
  fleet: Fleet,
  launches: ReturnType<typeof makeLaunches>,
  buckets: Buckets,
  accountId: string,
): Ec2Api => {
  const faults: { operation: string; error: AwsError; left: number }[] = [];
  return {
    failNext: (operation, code, message, times = 1) => {
      faults.push({ operation, error: new AwsError(code, message), left: times });
    },
    service: async ({ operation, body, region }) => {
      const fault = faults.find((one) => one.operation === operation && one.left > 0);
      if (fault) {
        fault.left -= 1;
        throw fault.error;
      }
      const run = operations[operation];
      if (!run)
        throw new AwsError('InvalidAction', `The action ${operation} is not valid for this web service.`);
      const form = parseForm(body.toString());
      buckets.take(operation, form, region);
      return answer(operation, run({ form, region, fleet, launches, accountId }));
    },
  };
};
