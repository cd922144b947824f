import { describe, expect, it } from 'vitest';
import { acknowledgedOf, addNag } from './nag.ts';
import { synthesize } from './testing/template.ts';

const acknowledged = acknowledgedOf({ prefix: 'reveille-' });

describe("cdk-nag's rules for AWS", () => {
  it('report only acknowledged findings on the stack', () => {
    expect(() => synthesize({}, (app) => addNag(app, acknowledged))).not.toThrow();
  });

  it('would report each acknowledged finding, and no other', () => {
    let report = '';
    try {
      synthesize({}, (app) => addNag(app, []));
    } catch (error) {
      report = String(error);
    }
    const reported = [...report.matchAll(/Acknowledge with 'AwsSolutions::(.+)'/g)].map(([, id]) => id);
    expect(new Set(reported)).toEqual(new Set(acknowledged.map(({ id }) => id)));
  });

  it('find the queues of a stack with another prefix, too', () => {
    const prefix = 'staging-';
    expect(() => synthesize({ prefix }, (app) => addNag(app, acknowledgedOf({ prefix })))).not.toThrow();
  });
});
