import { useEffect } from 'preact/hooks'

/** Takes photos pasted anywhere on the page; pasted text is left to the field it goes to. */
export function usePhotoPaste(onPhotos: (photos: readonly File[]) => void): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => {
      const photos = [...(event.clipboardData?.files ?? [])]
      if (photos.length === 0) return
      event.preventDefault()
      onPhotos(photos)
    }
    document.addEventListener('paste', onPaste)
    return () => document.removeEventListener('paste', onPaste)
  }, [onPhotos])
}
