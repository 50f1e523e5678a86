/** A last word before a signal ends the process. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Calls `tell` at the first SIGINT or SIGTERM, which ends the process then as if nobody had listened. Gives what ends the
 * listening.
 */
export function onInterrupt(tell: () => void): () => void {
  const listeners = SIGNALS.map((signal) => {
    const listener = () => {
      stop()
      tell()
      process.kill(process.pid, signal)
    }
    process.once(signal, listener)
    return { signal, listener }
  })
  const stop = () => {
    for (const { signal, listener } of listeners) process.off(signal, listener)
  }
  return stop
}
