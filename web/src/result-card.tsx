import { FailureNotice } from './failure-notice.tsx'
import { PhotoPreview } from './photo-preview.tsx'
import { PredictionView } from './prediction-view.tsx'
import { TokenForm } from './token-form.tsx'
import type { PhotoEntry } from './use-photos.ts'
import { useStrings } from './use-strings.ts'

interface ResultCardProps {
  readonly entry: PhotoEntry
  /** Whether answers of this model may be corrected. */
  readonly keepsCorrections: (model: string) => boolean
  readonly onRetry: () => void
  readonly onCorrected: (label: string) => void
}

/** One photo beside what is known of it so far. */
export function ResultCard({ entry, ...rest }: ResultCardProps) {
  const strings = useStrings()
  const { photo, url, progress } = entry
  return (
    <article class="card" aria-busy={progress.step === 'predicting'}>
      <div class="card-photo">
        <PhotoPreview key={url} url={url} alt={strings.photoAlt(photo.name)} />
      </div>
      <div class="card-details">
        <Details key={url} entry={entry} {...rest} />
      </div>
    </article>
  )
}

function Details({ entry, keepsCorrections, onRetry, onCorrected }: ResultCardProps) {
  const { photo, progress } = entry
  switch (progress.step) {
    case 'predicted': {
      const { answerer } = progress.prediction
      return (
        <PredictionView
          photo={photo}
          predicted={progress}
          canBeCorrected={'model' in answerer && keepsCorrections(answerer.model)}
          onCorrected={onCorrected}
        />
      )
    }
    case 'failed':
      return progress.failure.kind === 'unauthorized' ? (
        <TokenForm token={progress.failure.token} onToken={onRetry} />
      ) : (
        <FailureNotice failure={progress.failure} onRetry={onRetry} />
      )
    default:
      return <Pending />
  }
}

/** Holds the place of the coming result, so that nothing jumps when it arrives. */
function Pending() {
  const strings = useStrings()
  return (
    <div class="pending">
      <p class="pending-text">{strings.predicting}</p>
      <div class="pending-bars" aria-hidden="true">
        <span />
        <span />
        <span />
        <span />
        <span />
      </div>
    </div>
  )
}
