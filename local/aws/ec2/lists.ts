/** Filters and pages of EC2's lists, with EC2's limits. */
import { AwsError } from '../call.ts';
import { type FormNode, recordsOf, requiredText, textOf, textsOf } from './form.ts';

/** Maximum values of one filter (AWS: filter your resources). */
const filterValues = 200;

/** Returns the filters of a request. Throws EC2's error for one with too many values. */
export const filtersIn = (form: FormNode) =>
  recordsOf(form, 'Filter').map((filter) => {
    const values = textsOf(filter, 'Value');
    if (values.length > filterValues) {
      throw new AwsError('FilterLimitExceeded', `The maximum number of filter values is ${filterValues}.`);
    }
    return { name: requiredText(filter, 'Name'), values };
  });

/**
 * Returns the page that a request asks for, and the token of the next one. Its ids and a page size exclude
 * each other (AWS: DescribeInstances). A token is the number of earlier entries.
 */
export const pageOf = <T>(form: FormNode, list: readonly T[]): { page: readonly T[]; nextToken?: string } => {
  const size = textOf(form, 'MaxResults');
  if (size === undefined) return { page: list };
  if (textsOf(form, 'InstanceId').length > 0) {
    throw new AwsError(
      'InvalidParameterCombination',
      'The parameter instancesSet cannot be used with the parameter maxResults',
    );
  }
  const from = Number(textOf(form, 'NextToken') ?? 0);
  const to = from + Number(size);
  return { page: list.slice(from, to), nextToken: to < list.length ? String(to) : undefined };
};
