/** The table that holds everything: the stack's own, or one that is there. */
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

/** What grants and variables need of it. */
export type TheTable = Pick<Table, 'tableName' | 'tableArn'>;

export interface TableProps {
  readonly removalPolicy: RemovalPolicy;
  /** The name of one that is there, with the same keys and index. @default one is made */
  readonly adopt?: string | undefined;
}

/** The index of what is live. */
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
