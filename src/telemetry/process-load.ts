import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How finely the delay of the event loop is measured. */
const resolutionMs = 20

/** How busy this process is. Each answer is about the time since the one before. */
export const watchProcessLoad = () => {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  let usedBefore = process.cpuUsage()
  let readAt = performance.now()

  return (): { readonly cpu: number; readonly loopDelayMs: number } => {
    const [used, now] = [process.cpuUsage(), performance.now()]
    const usedMs = (used.user + used.system - usedBefore.user - usedBefore.system) / 1000
    const cpu = Math.round((100 * usedMs) / Math.max(1, now - readAt)) / 100
    // The timer that measures is part of what it measures.
    const loopDelayMs = Math.max(0, Math.round(delays.max / 1e6) - resolutionMs)
    delays.reset()
    usedBefore = used
    readAt = now
    return { cpu, loopDelayMs }
  }
}
