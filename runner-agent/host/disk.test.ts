import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { quiet } from '../testing/builders.ts';
import { freeMiBIn, watchDisk } from './disk.ts';

describe('the watch over the disk', () => {
  it('reports a low disk below the limit, and room only a fifth above it', async () => {
    let free = 100;
    const disk = watchDisk(async () => free, 100, quiet);
    expect(await disk.look()).toBeUndefined();
    free = 99;
    expect(await disk.look()).toEqual({ freeMiB: 99, neededMiB: 120 });
    free = 119;
    expect(await disk.look()).toEqual({ freeMiB: 119, neededMiB: 120 });
    free = 120;
    expect(await disk.look()).toBeUndefined();
    free = 100;
    expect(await disk.look()).toBeUndefined();
  });

  it('does not block work when the free space cannot be read', async () => {
    const disk = watchDisk(() => freeMiBIn('/nowhere/at/all'), 100, quiet);
    expect(await disk.look()).toBeUndefined();
  });

  it('reads the free space of a real folder', async () => {
    expect(await freeMiBIn(tmpdir())).toBeGreaterThan(0);
  });
});
