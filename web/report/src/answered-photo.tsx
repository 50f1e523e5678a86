import type { ReportPhoto } from '../../../src/training/report.ts'
import { FOREIGN } from './confusion-index.ts'
import { formatPercent } from './format-numbers.ts'
import { PhotoFigure } from './photo-figure.tsx'

/** Name of a label by its index; photos of labels that the model does not know have one of their own. */
export function labelOf(labels: readonly string[], index: number): string {
  return index === FOREIGN ? 'none of its labels' : (labels[index] ?? `label ${index}`)
}

/** Marks an answer that the model did not stand by. */
export function DecisionTag({ decision }: Pick<ReportPhoto, 'decision'>) {
  return decision === 'ok' ? null : <span class={`tag tag-${decision}`}>{decision}</span>
}

interface AnsweredPhotoProps {
  readonly photo: ReportPhoto
  readonly labels: readonly string[]
  /** What another model says of it. */
  readonly other?: { readonly name: string; readonly predicted: string; readonly score: number }
}

/** A photo with what was said of it and what it is. */
export function AnsweredPhoto({ photo, labels, other }: AnsweredPhotoProps) {
  const said = labelOf(labels, photo.predicted)
  const is = labelOf(labels, photo.actual)
  const isRight = photo.predicted === photo.actual
  return (
    <PhotoFigure
      path={photo.path}
      thumbnail={photo.thumbnail}
      alt={isRight ? `Photo of ${is}` : `Photo of ${is}, taken for ${said}`}
    >
      <span class={isRight ? 'said said-right' : 'said said-wrong'}>
        said <bdi>{said}</bdi> <span class="number">{formatPercent(photo.score, 0)}</span>
      </span>
      {!isRight && (
        <span class="is">
          is <bdi>{is}</bdi>
        </span>
      )}
      <DecisionTag decision={photo.decision} />
      {other !== undefined && (
        <span class="other-said">
          <bdi>{other.name}</bdi>: <bdi>{other.predicted}</bdi>{' '}
          <span class="number">{formatPercent(other.score, 0)}</span>
        </span>
      )}
    </PhotoFigure>
  )
}
