import { useRef } from 'preact/hooks'

interface PhotoPickerProps {
  readonly label: string
  readonly className: string
  /** Opens the camera at once where there is one. */
  readonly camera?: boolean
  readonly onPhotos: (photos: readonly File[]) => void
}

/** A button in front of a hidden file input: one tab stop, one name, the browser's own dialog. */
export function PhotoPicker({ label, className, camera = false, onPhotos }: PhotoPickerProps) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" class={className} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        multiple={!camera}
        {...(camera ? { capture: 'environment' as const } : {})}
        onChange={({ currentTarget }) => {
          const photos = [...(currentTarget.files ?? [])]
          // Emptied, so that choosing the same photo once more is a change again.
          currentTarget.value = ''
          if (photos.length > 0) onPhotos(photos)
        }}
      />
    </>
  )
}
