/** How a process hears of what others change in the registry. */

export interface ChangeFeed {
  /**
   * Another value whenever the registry may have changed, at once for what this process has changed; costs a few
   * microseconds. What was read after a call is at least as new as what the call gave.
   */
  revision(): string
  /** Calls back within a second of a change by anybody. Gives the function that ends it. */
  watch(onChange: () => void): () => void
}

/** How often a revision is looked at where nobody tells of it. */
export const POLL_MS = 500
