import { AppleTree } from './apple-tree.tsx'
import { PhotoPicker } from './photo-picker.tsx'
import { useStrings } from './use-strings.ts'

interface PhotoIntakeProps {
  /** Small once there is a photo, so that the answer has the room. */
  readonly isCompact: boolean
  readonly onPhotos: (photos: readonly File[]) => void
}

/** The ways to give a photo. */
export function PhotoIntake({ isCompact, onPhotos }: PhotoIntakeProps) {
  const strings = useStrings()
  return (
    <div class={isCompact ? 'intake intake-compact' : 'intake'}>
      {!isCompact && <AppleTree />}
      <div class="intake-buttons">
        <PhotoPicker
          label={isCompact ? strings.chooseAnother : strings.choosePhoto}
          className="button button-primary"
          onPhotos={onPhotos}
        />
        <PhotoPicker
          label={strings.takePhoto}
          className="button button-secondary touch-only"
          camera
          onPhotos={onPhotos}
        />
      </div>
      <p class="intake-hint">{strings.orDropOrPaste}</p>
    </div>
  )
}
