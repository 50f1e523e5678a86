/** What a dataset is opened to: photos by name, before any of them was read. */
import type { Finding } from './findings.ts'
import type { Split } from './manifest.ts'

/** Path of a photo, or what loads its bytes when its turn comes. */
export type PhotoContent = string | (() => Promise<Uint8Array>)

/** A photo that was named or found; whether it can be read is not known yet. */
export interface Candidate {
  /** Path below the root of the dataset, with `/` between its parts. */
  readonly path: string
  readonly load: PhotoContent
  readonly label: string
  readonly split?: Split
  readonly group?: string
}

/** Photos below one folder, in the order of their paths by code point. */
export interface FoundCandidates {
  /** Absolute path of the folder that the paths start from. */
  readonly root: string
  readonly candidates: readonly Candidate[]
  /** What was found and cannot be a candidate. */
  readonly findings: readonly Finding[]
}
