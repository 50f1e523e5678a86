import { formatPercent } from './format-numbers.ts'

interface ShareBarProps {
  /** 0 to 1; absent where it is not defined. */
  readonly share: number | null
}

/** A share as a number with a bar beneath. */
export function ShareBar({ share }: ShareBarProps) {
  return (
    <span class="share">
      <span class="number">{formatPercent(share)}</span>
      <span class="track" aria-hidden="true">
        <span class="fill" style={{ width: `${(share ?? 0) * 100}%` }} />
      </span>
    </span>
  )
}
