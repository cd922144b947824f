/** Idle timeout of a runner in words. */
import { formatDuration } from '../../ui/time.tsx';

export const idleText = (idleTimeoutMs: number | undefined): string => {
  if (idleTimeoutMs === undefined) return 'the minute that each start bills';
  return idleTimeoutMs === 0 ? 'none: sleeps at once' : formatDuration(idleTimeoutMs);
};
