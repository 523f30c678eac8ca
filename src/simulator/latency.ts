import type { Random } from './random.ts'

/** How long WeChat takes to answer, in real milliseconds. */
export type Latency = { readonly medianMs: number; readonly p99Ms: number } | { readonly fixedMs: number }

/** What practitioners see on sends (C: 50–300 ms end to end; the shape is ours, I). */
export const usualLatency: Latency = { medianMs: 60, p99Ms: 400 }

/** From acceptance to the event that tells how it ended (C: some seconds; ours are quick, I). */
export const usualPushDelay: Latency = { medianMs: 300, p99Ms: 2000 }

/** The 99th percentile of the standard normal distribution. */
const z99 = 2.3263

/** Draws one delay after another; log-normal unless it is fixed. */
export const createDelays = (latency: Latency, random: Random): (() => number) => {
  if ('fixedMs' in latency) return () => latency.fixedMs
  const { medianMs, p99Ms } = latency
  if (medianMs <= 0 || p99Ms < medianMs) throw new Error('latency: 0 < medianMs ≤ p99Ms must hold')
  const sigma = Math.log(p99Ms / medianMs) / z99
  return () => medianMs * Math.exp(sigma * random.normal())
}
