import { useState } from 'preact/hooks'
import { plural } from './format-numbers.ts'

interface CopyPathsProps {
  readonly photos: readonly { readonly path: string }[]
}

/** Puts the paths of photos on the clipboard, one a line; absent where the browser offers no clipboard. */
export function CopyPaths({ photos }: CopyPathsProps) {
  const [outcome, setOutcome] = useState('')
  if (navigator.clipboard === undefined || photos.length === 0) return null
  const paths = [...new Set(photos.map(({ path }) => path))]
  const copy = () =>
    navigator.clipboard.writeText(paths.join('\n')).then(
      () => setOutcome('Copied'),
      () => setOutcome('The browser refused; select the text instead'),
    )
  return (
    <span class="copy">
      <button type="button" class="button" onClick={copy} onBlur={() => setOutcome('')}>
        Copy {plural(paths.length, 'path')}
      </button>
      <span role="status">{outcome}</span>
    </span>
  )
}
