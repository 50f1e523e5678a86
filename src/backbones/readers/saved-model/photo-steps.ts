/** What a note says about a step that Verger's own preprocessing takes differently. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'a crop': 'It cuts a part out of each photo; Verger squashes the whole photo.',
  'a padding': 'It pads photos to a square; Verger squashes them.',
  CropAndResize: 'It resizes bilinearly; Verger resizes as Pillow does, bicubically.',
  ResizeArea: 'It resizes by areas; Verger resizes as Pillow does, bicubically.',
  ResizeBicubic:
    'It resizes bicubically without smoothing; Verger resizes as Pillow does, which smooths when it shrinks.',
  ResizeBilinear: 'It resizes bilinearly; Verger resizes as Pillow does, bicubically.',
  ResizeNearestNeighbor:
    'It resizes to the nearest pixel; Verger resizes as Pillow does, bicubically.',
}
/** Verger's own squash. */
const SAME = 'ScaleAndTranslate (keyscubic, antialias)'

/** Says what of a graph gave way to Verger's own preprocessing, and what is different since. */
export function describeSteps(steps: readonly string[]): string[] {
  if (steps.length === 0) return []
  const differences = steps.flatMap((step) => {
    if (Object.hasOwn(DIFFERENCES, step)) return [DIFFERENCES[step]!]
    if (!step.startsWith('ScaleAndTranslate') || step === SAME) return []
    return [`It resizes by ${step}; Verger resizes as Pillow does, bicubically.`]
  })
  const replaced = `The front of the graph (${steps.join(', ')}) was replaced by Verger's own preprocessing.`
  return [
    differences.length === 0
      ? replaced
      : `${replaced} ${[...new Set(differences)].join(' ')} Scores may differ a little.`,
  ]
}
