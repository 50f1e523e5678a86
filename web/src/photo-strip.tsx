import { plainLabel } from './plain-label.ts'
import type { Strings } from './strings.ts'
import { isUnfinished, type PhotoEntry, type Progress } from './use-photos.ts'
import { useStrings } from './use-strings.ts'

interface PhotoStripProps {
  readonly entries: readonly PhotoEntry[]
  readonly shown: PhotoEntry | undefined
  readonly onShow: (entry: PhotoEntry) => void
}

/** Several photos as small cards in the order given; pressing one shows it large. */
export function PhotoStrip({ entries, shown, onShow }: PhotoStripProps) {
  const strings = useStrings()
  const finished = entries.filter(({ progress }) => !isUnfinished(progress)).length
  return (
    <section class="strip" aria-labelledby="strip-heading">
      <h2 id="strip-heading" class="strip-heading">
        {strings.photosHeading(finished, entries.length)}
      </h2>
      <ul class="strip-list">
        {entries.map((entry) => (
          <li key={entry.url}>
            <button
              type="button"
              class="strip-card"
              aria-pressed={entry === shown}
              onClick={() => onShow(entry)}
            >
              <span class="strip-photo">
                <img
                  src={entry.url}
                  alt=""
                  loading="lazy"
                  onError={({ currentTarget }) => {
                    currentTarget.hidden = true
                  }}
                />
              </span>
              <span class="strip-name">{entry.photo.name}</span>
              <span class="strip-answer">{shortAnswer(entry.progress, strings)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function shortAnswer(progress: Progress, strings: Strings): string {
  switch (progress.step) {
    case 'waiting':
      return strings.waiting
    case 'predicting':
      return strings.predicting
    case 'failed':
      return strings.failedShort
    case 'predicted': {
      const { decision, top } = progress.prediction
      if (decision === 'unknown') return strings.nothingKnown
      return `${plainLabel(top[0].label)} ${strings.percent(top[0].score)}`
    }
  }
}
