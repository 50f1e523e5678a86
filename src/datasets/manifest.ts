/** What a dataset holds, photo by photo: the immutable part that names a dataset version. */

/** Sides of a split. `test` photos are never trained on. */
export const SPLITS = ['train', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

export interface DatasetPhoto {
  /** Path below the root of the dataset, with `/` between its parts. */
  readonly path: string
  /** Hash of the file's bytes. */
  readonly sha256: string
  readonly sizeBytes: number
  /** Size in pixels as stored, before the EXIF orientation is honoured. */
  readonly width: number
  readonly height: number
  readonly label: string
  readonly split?: Split
  /** Photos of one group (one session, one plant) stay on one side of a split. */
  readonly group?: string
}
