/** What a classifier takes and gives wherever it is served: as an exported SavedModel, and over the protocols of others. */

/** How many labels are named for a photo, the best first, where there are more. */
export const NAMED_LABELS = 10

export interface TensorDescription {
  readonly name: string
  readonly type: 'string' | 'float'
  /** -1 is the number of photos. */
  readonly dims: readonly number[]
}

export interface SignatureDescription {
  readonly name: string
  readonly inputs: readonly TensorDescription[]
  readonly outputs: readonly TensorDescription[]
}

/** The signature that answers where none is named, with photos as base64 text, and the one that takes their bytes. */
export function describeSignatures(labels: number): readonly SignatureDescription[] {
  const count = Math.min(NAMED_LABELS, labels)
  const outputs: readonly TensorDescription[] = [
    { name: 'scores', type: 'float', dims: [-1, count] },
    { name: 'labels', type: 'string', dims: [-1, count] },
    { name: 'probabilities', type: 'float', dims: [-1, labels] },
  ]
  const photos = (name: string) => [{ name, type: 'string', dims: [-1] }] as const
  return [
    { name: 'serving_default', inputs: photos('image_base64'), outputs },
    { name: 'serving_bytes', inputs: photos('image_bytes'), outputs },
  ]
}
