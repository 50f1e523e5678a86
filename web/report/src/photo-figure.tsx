import type { ComponentChildren } from 'preact'

interface PhotoFigureProps {
  readonly path: string
  readonly thumbnail: string | undefined
  /** What the photo shows, for those who cannot see it. */
  readonly alt: string
  /** What is said under the photo, above its path. */
  readonly children?: ComponentChildren
}

/** A photo with its caption and its path, which one click selects whole. */
export function PhotoFigure({ path, thumbnail, alt, children }: PhotoFigureProps) {
  return (
    <figure class="photo">
      {thumbnail === undefined ? (
        <span class="photo-picture photo-absent" role="img" aria-label={`${alt} (no picture)`}>
          no picture
        </span>
      ) : (
        <span class="photo-picture">
          <img src={thumbnail} alt={alt} decoding="async" />
        </span>
      )}
      <figcaption>
        {children}
        <bdi class="path">{path}</bdi>
      </figcaption>
    </figure>
  )
}
