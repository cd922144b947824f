/** The table of all items: the stack's own, or an existing one. */
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

/** Attributes of the table for grants and variables. */
export type TheTable = Pick<Table, 'tableName' | 'tableArn'>;

export interface TableProps {
  readonly removalPolicy: RemovalPolicy;
  /** Name of an existing table with the same keys and index. @default a new table */
  readonly adopt?: string;
}

/** Index of live items. */
export const liveIndex = 'live';

export const makeTable = (scope: Construct, { removalPolicy, adopt }: TableProps): TheTable => {
  if (adopt !== undefined) return Table.fromTableName(scope, 'Table', adopt);
  const table = new Table(scope, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: 'expiresAt',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy,
  });
  table.addGlobalSecondaryIndex({
    indexName: liveIndex,
    partitionKey: { name: 'live', type: AttributeType.STRING },
    sortKey: { name: 'liveKey', type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  });
  return table;
};
