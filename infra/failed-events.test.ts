import { expect, test } from 'vitest';
import * as z from 'zod';
import { resourcesOf, synthesize, type Template } from './testing/template.ts';

const config = z.object({
  FunctionName: z.object({ Ref: z.string() }).transform(({ Ref }) => Ref.replace(/Function.*/, '')),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.unknown() }) }).optional(),
  MaximumRetryAttempts: z.number().optional(),
  MaximumEventAgeInSeconds: z.number().optional(),
});
const configsIn = (template: Template) =>
  resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) =>
    config.parse(Properties),
  );
const called = z.object({ Arn: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }) });
/** Functions that EventBridge's rules call. */
const calledByRules = (template: Template): string[] =>
  resourcesOf(template, 'AWS::Events::Rule').flatMap(([, { Properties }]) =>
    z
      .array(called)
      .parse(Properties.Targets)
      .map(({ Arn }) => Arn['Fn::GetAtt'][0].replace(/Function.*/, '')),
  );

const template = synthesize();
const buried = configsIn(template).flatMap(({ FunctionName, DestinationConfig }) =>
  DestinationConfig ? [FunctionName] : [],
);
const againNextMinute = (of: Template) =>
  configsIn(of).flatMap(({ FunctionName, DestinationConfig, ...limits }) =>
    DestinationConfig ? [] : [{ FunctionName, ...limits }],
  );

test('keeps failed events in the dead-letter queue when nothing else would repeat or report them', () => {
  expect(buried.sort()).toEqual(['InstanceEvents', 'IntegrationEvents', 'RunnerPower', 'ScheduledStart']);
  expect(JSON.stringify(resourcesOf(template, 'AWS::Lambda::EventInvokeConfig'))).toMatch(/"DeadLetters\w+"/);
});

test.each([
  ['the whole stack', template, ['Reconcile', 'SemaphoreHook']],
  ['the drop-in for Semaphore', synthesize({ semaphoreOnly: 'true' }), ['SemaphoreHook']],
])('leaves the retry of a function that runs each minute to the next minute, in %s', (_, of, names) => {
  const limits = { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };
  expect(againNextMinute(of).sort((a, b) => a.FunctionName.localeCompare(b.FunctionName))).toEqual(
    names.map((FunctionName) => ({ FunctionName, ...limits })),
  );
});

test('leaves no function of EventBridge to the silent defaults of Lambda', () => {
  const settled = configsIn(template).map(({ FunctionName }) => FunctionName);
  expect(settled).toEqual(expect.arrayContaining(calledByRules(template)));
});
