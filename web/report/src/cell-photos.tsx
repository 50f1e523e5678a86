import type { ConfusionCell, EvaluationReport } from '../../../src/training/report.ts'
import { DecisionTag, labelOf } from './answered-photo.tsx'
import type { ConfusionIndex } from './confusion-index.ts'
import { CopyPaths } from './copy-paths.tsx'
import { formatPercent, plural } from './format-numbers.ts'
import { PhotoFigure } from './photo-figure.tsx'

interface CellPhotosProps {
  readonly cell: ConfusionCell
  readonly index: ConfusionIndex
  readonly report: EvaluationReport
}

/** The photos of one cell of the confusion matrix. */
export function CellPhotos({ cell, index, report }: CellPhotosProps) {
  const actual = labelOf(report.labels, cell.actual)
  const predicted = labelOf(report.labels, cell.predicted)
  const isRight = cell.actual === cell.predicted
  const sentence = isRight ? `Photo of ${actual}` : `Photo of ${actual}, taken for ${predicted}`
  const photos = cell.photos.flatMap((at) => report.photos[at] ?? [])
  return (
    <div class="cell-photos">
      <h3>
        {plural(cell.count, 'photo')} of <bdi>{actual}</bdi>{' '}
        {isRight ? (
          'recognised'
        ) : (
          <>
            taken for <bdi>{predicted}</bdi>
          </>
        )}
      </h3>
      <p class="hint">
        {formatPercent(index.shareOf(cell))} of the {plural(index.photosOf(cell.actual), 'photo')}{' '}
        of this label
        {photos.length < cell.count && `; ${photos.length} of the ${cell.count} shown here`}.
      </p>
      <ul class="photos">
        {photos.map((photo) => (
          <li key={photo.path}>
            <PhotoFigure path={photo.path} thumbnail={photo.thumbnail} alt={sentence}>
              <span class="number">{formatPercent(photo.score, 0)}</span>
              <DecisionTag decision={photo.decision} />
            </PhotoFigure>
          </li>
        ))}
      </ul>
      <CopyPaths photos={photos} />
    </div>
  )
}
