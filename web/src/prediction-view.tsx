import { useId } from 'preact/hooks'
import type { Prediction } from './answer.ts'
import { plainLabel } from './plain-label.ts'
import { ScoreBars } from './score-bars.tsx'
import { useStrings } from './use-strings.ts'

interface PredictionViewProps {
  readonly prediction: Prediction
  readonly elapsedMs: number
}

/** The best label in plain words, the named bars, and who answered how fast. */
export function PredictionView({ prediction, elapsedMs }: PredictionViewProps) {
  const strings = useStrings()
  const scoresHeadingId = useId()
  const { decision, top, answeredBy } = prediction
  const isUnknown = decision === 'unknown'
  return (
    <div class={`prediction prediction-${decision}`}>
      <p class="eyebrow">{strings.eyebrow[decision]}</p>
      <h2 class="best">{isUnknown ? strings.nothingKnown : plainLabel(top[0].label)}</h2>
      <h3 id={scoresHeadingId} class="scores-heading">
        {isUnknown ? strings.closest : strings.allScores}
      </h3>
      <ScoreBars scores={top} labelledBy={scoresHeadingId} />
      <p class="answered-by">{strings.answeredBy(answeredBy, elapsedMs)}</p>
    </div>
  )
}
