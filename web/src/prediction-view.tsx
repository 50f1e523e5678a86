import { useId } from 'preact/hooks'
import { nameOf } from './answer.ts'
import { Correction } from './correction.tsx'
import { plainLabel } from './plain-label.ts'
import { ReportLink } from './report-link.tsx'
import { ScoreBars } from './score-bars.tsx'
import type { Predicted } from './use-photos.ts'
import { useStrings } from './use-strings.ts'
import { useVersion } from './use-version.ts'

interface PredictionViewProps {
  readonly photo: File
  readonly predicted: Predicted
  /** Whether the owner of the model wants to hear where it is wrong. */
  readonly canBeCorrected: boolean
  readonly onCorrected: (label: string) => void
}

/** The best label in plain words, the named bars, who answered how fast, and a way to say that it is something else. */
export function PredictionView(props: PredictionViewProps) {
  const { photo, predicted, canBeCorrected, onCorrected } = props
  const { prediction, elapsedMs, correctedTo } = predicted
  const { decision, top, answerer } = prediction
  const strings = useStrings()
  const scoresHeadingId = useId()
  const details = useVersion(answerer)
  const isUnknown = decision === 'unknown'
  return (
    <div class={`prediction prediction-${decision}`}>
      <p class="eyebrow">{strings.eyebrow[decision]}</p>
      <h2 class="best">{isUnknown ? strings.nothingKnown : plainLabel(top[0].label)}</h2>
      <h3 id={scoresHeadingId} class="scores-heading">
        {isUnknown ? strings.closest : strings.allScores}
      </h3>
      <ScoreBars scores={top} labelledBy={scoresHeadingId} />
      <p class="answered-by">
        <span>{strings.answeredBy(nameOf(answerer), elapsedMs)}</span>
        {'model' in answerer && details?.hasReport && <ReportLink version={answerer} />}
      </p>
      {'model' in answerer && canBeCorrected && (
        <Correction
          photo={photo}
          version={answerer}
          decision={decision}
          labels={details?.labels ?? []}
          correctedTo={correctedTo}
          onCorrected={onCorrected}
        />
      )}
    </div>
  )
}
