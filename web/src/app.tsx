import { useCallback, useState } from 'preact/hooks'
import { announcementFor } from './announcement.ts'
import { ModelPicker } from './model-picker.tsx'
import { Orchard } from './orchard.tsx'
import { PhotoIntake } from './photo-intake.tsx'
import { PhotoStrip } from './photo-strip.tsx'
import { predictPhoto } from './predict-photo.ts'
import { ResultCard } from './result-card.tsx'
import type { Strings } from './strings.ts'
import { useModels } from './use-models.ts'
import { usePhotoDrop } from './use-photo-drop.ts'
import { usePhotoPaste } from './use-photo-paste.ts'
import { type PhotoEntry, usePhotos } from './use-photos.ts'
import { useStrings } from './use-strings.ts'

/** The public page: a photo in, named bars out. */
export function App() {
  const strings = useStrings()
  const { models, chosen, choose, modelToAsk } = useModels()
  const { entries, shown, give, show, retry, restart, correct } = usePhotos(
    async (photo, signal) => {
      const { model, failure } = await modelToAsk()
      signal.throwIfAborted()
      return failure ? { failure } : predictPhoto(photo, model?.name, signal)
    },
  )
  const [wasEmpty, setEmpty] = useState(false)

  const onPhotos = useCallback(
    (photos: readonly File[]): void => {
      setEmpty(photos.length === 0)
      if (photos.length > 0) give(photos)
    },
    [give],
  )
  const isDropping = usePhotoDrop(onPhotos)
  usePhotoPaste(onPhotos)

  return (
    <>
      <header class="header">
        <img src="/favicon.svg" alt="" width="32" height="32" />
        <span class="wordmark">Verger</span>
        {models.length > 0 && (
          <ModelPicker
            models={models}
            chosen={chosen}
            onChoose={(name) => {
              choose(name)
              restart()
            }}
          />
        )}
      </header>
      <main class={shown ? 'main main-shown' : 'main'}>
        <div class="intro">
          <h1>{strings.title}</h1>
          <p class="lead">{strings.lead}</p>
        </div>
        <PhotoIntake isCompact={shown !== undefined} onPhotos={onPhotos} />
        {wasEmpty && (
          <p class="notice" role="alert">
            {strings.notAFile}
          </p>
        )}
        {shown && (
          <ResultCard
            entry={shown}
            keepsCorrections={(model) =>
              models.some(({ name, keepsCorrections }) => name === model && keepsCorrections)
            }
            onRetry={() => retry(shown)}
            onCorrected={(label) => correct(shown, label)}
          />
        )}
        {entries.length > 1 && <PhotoStrip entries={entries} shown={shown} onShow={show} />}
        <p class="visually-hidden" role="status" aria-live="polite">
          {spokenProgress(shown, strings)}
        </p>
      </main>
      <footer class="footer">
        <Orchard />
        <p class="footer-text">
          {chosen?.keepsCorrections ? strings.privacyOfCorrections : strings.privacy}
        </p>
      </footer>
      {isDropping && (
        <div class="drop-veil">
          <p>{strings.dropHere}</p>
        </div>
      )}
    </>
  )
}

/** Failures speak for themselves (`role="alert"`); everything else is said here, one sentence each. */
function spokenProgress(shown: PhotoEntry | undefined, strings: Strings): string {
  switch (shown?.progress.step) {
    case 'waiting':
    case 'predicting':
      return strings.predicting
    case 'predicted':
      return announcementFor(shown.progress.prediction, strings)
    default:
      return ''
  }
}
