import { useState } from 'preact/hooks'
import { useStrings } from './use-strings.ts'

interface PhotoPreviewProps {
  readonly url: string
  readonly alt: string
}

/** The photo itself, or a quiet placeholder where the browser cannot decode it (HEIC, a broken file). */
export function PhotoPreview({ url, alt }: PhotoPreviewProps) {
  const strings = useStrings()
  const [isBroken, setBroken] = useState(false)
  if (!isBroken) {
    return <img class="photo" src={url} alt={alt} onError={() => setBroken(true)} />
  }
  return (
    <div class="photo-missing" role="img" aria-label={`${alt}. ${strings.noPreview}`}>
      <svg viewBox="0 0 64 48" aria-hidden="true">
        <rect x="2" y="2" width="60" height="44" rx="7" />
        <circle cx="19" cy="17" r="5" />
        <path d="M6 41 24 26l10 8 9-8 15 13" />
      </svg>
      <span>{strings.noPreview}</span>
    </div>
  )
}
