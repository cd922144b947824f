import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quiet } from '../testing/builders.ts';
import { type Imds, startImds } from '../testing/imds.ts';
import { waitFor } from '../testing/wait-for.ts';
import { systemTiming } from '../timing.ts';
import { untilSpotNotice } from './spot-notice.ts';

let imds: Imds;
const never = new AbortController().signal;
beforeEach(async () => {
  imds = await startImds();
});
afterEach(() => imds?.close());

const watch = (metadataUrl = imds.url, signal = never) =>
  untilSpotNotice({ metadataUrl, pollMs: 20, timing: systemTiming, log: quiet, signal });

describe('the watch for the spot notice', () => {
  it('returns the notice once EC2 has written it, with IMDSv2 only', async () => {
    imds.set('instance-life-cycle', 'spot');
    const noticed = watch();
    await waitFor(
      'a look in vain',
      () => imds.requested().filter((item) => item === 'spot/instance-action')[1],
    );
    imds.set('spot/instance-action', '{"action":"stop","time":"2026-01-01T12:02:00Z"}');
    expect(await noticed).toEqual({ action: 'stop', time: '2026-01-01T12:02:00Z' });
    expect(imds.tokens()).toBe(1);
  });

  it('checks only once on an instance that is not spot', async () => {
    imds.set('instance-life-cycle', 'on-demand');
    expect(await watch()).toBeUndefined();
    expect(imds.requested()).toEqual(['instance-life-cycle']);
  });

  it('continues when the service fails, returns an invalid notice, or forgets its token', async () => {
    imds.set('instance-life-cycle', 'spot');
    imds.failNext(500);
    imds.set('spot/instance-action', 'soon');
    const noticed = watch();
    await waitFor('a look at what is no notice', () => imds.requested().includes('spot/instance-action'));
    imds.failNext(401);
    imds.set('spot/instance-action', '{"action":"terminate","time":"2026-01-01T12:02:00Z"}');
    expect(await noticed).toMatchObject({ action: 'terminate' });
  });

  it('ends with its signal, even when nothing answers', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const ended = new AbortController();
    const noticed = watch(`http://127.0.0.1:${port}`, ended.signal);
    ended.abort();
    expect(await noticed).toBeUndefined();
    silent.closeAllConnections();
    silent.close();
  });
});
