import { useEffect, useState } from 'preact/hooks'

/**
 * A hovering drag sends `dragover` every 350 ± 200 ms (HTML standard, drag-and-drop processing
 * model); one that is silent for longer has left or was given up. Counting `dragleave` would stick
 * when the element under the pointer is replaced.
 */
const SILENCE_MS = 800

/**
 * Takes photos dropped anywhere on the page; returns whether files hover over it right now.
 * `onPhotos` must stay the same function from render to render.
 */
export function usePhotoDrop(onPhotos: (photos: readonly File[]) => void): boolean {
  const [isHovering, setHovering] = useState(false)

  useEffect(() => {
    let silence: ReturnType<typeof setTimeout> | undefined
    const onDragOver = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      event.dataTransfer.dropEffect = 'copy'
      setHovering(true)
      clearTimeout(silence)
      silence = setTimeout(() => setHovering(false), SILENCE_MS)
    }
    const onDrop = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setHovering(false)
      onPhotos(droppedFiles(event.dataTransfer))
    }
    document.addEventListener('dragenter', onDragOver)
    document.addEventListener('dragover', onDragOver)
    document.addEventListener('drop', onDrop)
    return () => {
      clearTimeout(silence)
      document.removeEventListener('dragenter', onDragOver)
      document.removeEventListener('dragover', onDragOver)
      document.removeEventListener('drop', onDrop)
    }
  }, [onPhotos])

  return isHovering
}

/** The dropped files without folders, which a browser hands over as files that cannot be read. */
function droppedFiles(data: DataTransfer): readonly File[] {
  return [...data.items]
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null)
}
