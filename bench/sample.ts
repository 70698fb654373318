/** What one run cost. */
export interface Sample {
  readonly wallMs: number;
  /** Of all threads, user and system. */
  readonly cpuMs: number;
  readonly peakMemoryMb: number;
}

/** Measures until `work` resolves; what that returns is called afterwards, unmeasured. */
export async function measured(work: () => Promise<void | (() => Promise<void>)>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const finish = await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const peakMemoryMb = process.resourceUsage().maxRSS / 1024;
  if (typeof finish === 'function') await finish();
  return { wallMs, cpuMs: (user + system) / 1000, peakMemoryMb };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
