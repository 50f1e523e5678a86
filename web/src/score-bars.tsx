import type { Score } from './answer.ts'
import { plainLabel } from './plain-label.ts'
import { useStrings } from './use-strings.ts'

interface ScoreBarsProps {
  readonly scores: readonly Score[]
  readonly labelledBy: string
}

/** Named bars, best first; the text carries everything that the bars show. */
export function ScoreBars({ scores, labelledBy }: ScoreBarsProps) {
  const strings = useStrings()
  return (
    <ol class="scores" aria-labelledby={labelledBy}>
      {scores.map(({ label, score }) => (
        <li key={label} class="score">
          <span class="score-label">{plainLabel(label)}</span>
          <span class="score-percent">{strings.percent(score)}</span>
          <span class="score-track" aria-hidden="true">
            <span class="score-fill" style={{ '--share': score }} />
          </span>
        </li>
      ))}
    </ol>
  )
}
