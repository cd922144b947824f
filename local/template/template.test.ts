import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder, writeFixture } from '../testing/fixture.ts';
import { readTemplate } from './file.ts';
import { interpret } from './template.ts';

const place = {
  accountId: '000000000000',
  region: 'us-east-1',
  stackName: 'Stack',
  apiUrl: 'http://localhost:1',
};
const folder = temporaryFolder();
afterEach(folder.remove);

const specOf = (more: Record<string, unknown> = {}) => {
  const { template, assets } = readTemplate(writeFixture(folder.path, '', more));
  return interpret(template, assets, place);
};

describe('a template', () => {
  it('returns the code, role, policies and environment of each function', () => {
    const fn = specOf().functions.find(({ logicalId }) => logicalId === 'Fn');
    expect(fn).toMatchObject({
      name: 'Stack-Fn',
      codeDir: `${folder.path}/fn`,
      timeoutMs: 5000,
      memoryMb: 256,
      role: { name: 'Stack-Role', policies: [{ Statement: [{ Effect: 'Allow' }] }] },
      environment: {
        TABLE_NAME: 'Stack-Table',
        QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/Stack-Queue',
        API_URL: 'http://localhost:1',
      },
    });
  });

  it('returns the functions of routes, event sources and rules', () => {
    const spec = specOf();
    const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:Stack-Fn';
    expect(spec.routes).toEqual([{ routeKey: '$default', functionArn, timeoutMs: 30_000 }]);
    expect(spec.eventSources).toMatchObject([{ functionArn, batchSize: 10, reportsBatchItemFailures: true }]);
    expect(spec.rules).toMatchObject([{ pattern: { source: ['aws.ec2'] }, targetArns: [functionArn] }]);
    expect(spec.outputs).toEqual({ Name: 'Stack-Fn' });
  });

  it('returns the attributes of queues as CreateQueue takes them', () => {
    expect(specOf().queues.find(({ name }) => name === 'Stack-Queue')?.attributes).toEqual({
      VisibilityTimeout: '1',
      RedrivePolicy:
        '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:Stack-DeadLetters","maxReceiveCount":5}',
    });
  });

  it('omits a resource whose condition is false', () => {
    const { template, assets } = readTemplate(
      writeFixture(folder.path, '', { Extra: { Type: 'AWS::SQS::Queue', Condition: 'Never' } }),
    );
    const conditional = { ...template, Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } } };
    expect(interpret(conditional, assets, place).queues).toHaveLength(2);
  });

  it('rejects an unsupported resource type by its name', () => {
    expect(() => specOf({ Bus: { Type: 'AWS::Events::EventBus' } })).toThrow('AWS::Events::EventBus (Bus)');
  });

  it('rejects a property that it would otherwise ignore', () => {
    const Filtered = {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { EventSourceArn: 'arn', FunctionName: 'Stack-Fn', FilterCriteria: {} },
    };
    expect(() => specOf({ Filtered })).toThrow('FilterCriteria');
  });

  it('rejects names that depend on each other', () => {
    const One = { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'Two' } } };
    const Two = { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'One' } } };
    expect(() => specOf({ One, Two })).toThrow('depends on itself');
  });
});
