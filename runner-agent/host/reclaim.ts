/**
 * Runs the agent on an instance that EC2 may reclaim. A spot notice ends it like SIGTERM, in the time that is
 * left.
 */
import { type AgentOptions, defaultIntervals, runAgent } from '../agent.ts';
import { InstanceReclaimed } from '../errors.ts';
import type { ShutdownSwitch } from '../shutdown.ts';
import { untilSpotNotice } from './spot-notice.ts';

/**
 * Runs the agent like runAgent. Rejects with InstanceReclaimed after the orderly end that a spot notice
 * caused.
 */
export const runUntilReclaimed = async (
  options: Omit<AgentOptions, 'shutdown'>,
  shutdown: ShutdownSwitch,
): Promise<void> => {
  const { config, timing, log } = options;
  const { metadataUrl } = config;
  const { spotNoticeMs, killGraceMs, reportMs, farewellMs } = { ...defaultIntervals, ...options.intervals };
  const ended = new AbortController();
  let reclaimed: InstanceReclaimed | undefined;

  const heed = async (url: string) => {
    const notice = await untilSpotNotice({
      metadataUrl: url,
      pollMs: spotNoticeMs,
      timing,
      log,
      signal: ended.signal,
    });
    if (!notice) return;
    reclaimed = new InstanceReclaimed(
      `EC2 takes this spot instance back (${notice.action}) at ${notice.time}`,
    );
    log.warn(reclaimed.message);
    shutdown.press();
    const endMs = killGraceMs + reportMs + farewellMs;
    await timing.sleep(Math.max(0, Date.parse(notice.time) - timing.now() - endMs), ended.signal);
    if (!ended.signal.aborted) shutdown.press();
  };

  if (metadataUrl !== undefined) void heed(metadataUrl);
  try {
    await runAgent({ ...options, shutdown });
  } finally {
    ended.abort();
  }
  if (reclaimed) throw reclaimed;
};
