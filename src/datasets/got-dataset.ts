/** Datasets that `verger datasets get` brought: `<home>/datasets/<name>/`, described by `dataset.json` beside the photos. */
import { readdir, readFile } from 'node:fs/promises'
import { isAbsolute, join, normalize, sep } from 'node:path'
import type { VergerError } from '../core/errors.ts'
import { faultsError } from './faults.ts'

/** The content of `dataset.json`. */
export interface GotDataset {
  readonly name: string
  readonly title: string
  readonly licence: string
  /** Where it came from, e.g. a URL. */
  readonly source: string
  /** Folder or manifest file that holds the photos, from the folder of `dataset.json`. */
  readonly photos: string
  /** Hash of the archive that was downloaded. */
  readonly sha256?: string
  /** ISO 8601. */
  readonly createdAt: string
}

const REQUIRED = ['name', 'title', 'licence', 'source', 'photos', 'createdAt'] as const

/** Folder in which a dataset of this name lies, or would lie. */
export const gotDatasetFolder = (home: string, name: string): string => join(home, 'datasets', name)

/** Reads the description, or gives undefined where no dataset of this name is there. Throws `dataset_invalid`. */
export async function readGotDataset(home: string, name: string): Promise<GotDataset | undefined> {
  // A name with a slash or dots could lead elsewhere.
  if (name === '' || name.startsWith('.') || /[\\/\0]/.test(name)) return undefined
  const file = join(gotDatasetFolder(home, name), 'dataset.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw invalid(file, [String(error)])
  }
  return parseGotDataset(text, file)
}

/** The datasets that are there, by name; those with a description that cannot be read are left out. */
export async function listGotDatasets(home: string): Promise<GotDataset[]> {
  const names = await readdir(join(home, 'datasets')).catch(() => [])
  const datasets: GotDataset[] = []
  for (const name of names.sort()) {
    const dataset = await readGotDataset(home, name).catch(() => undefined)
    if (dataset !== undefined) datasets.push(dataset)
  }
  return datasets
}

function parseGotDataset(text: string, file: string): GotDataset {
  let value: Partial<Record<keyof GotDataset, unknown>>
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(file, [String(error)])
  }
  if (typeof value !== 'object' || value === null) throw invalid(file, ['no JSON object'])
  const faults = REQUIRED.filter((key) => typeof value[key] !== 'string').map(
    (key) => `expected ${key} as text, received ${JSON.stringify(value[key])}`,
  )
  const { photos } = value
  if (typeof photos === 'string' && (isAbsolute(photos) || normalize(photos).startsWith('..'))) {
    faults.push(`expected photos below the folder of the dataset, received ${photos}`)
  }
  if (faults.length > 0) throw invalid(file, faults)
  return value as GotDataset
}

function invalid(file: string, faults: readonly string[]): VergerError {
  return faultsError(`Expected the description of a dataset in ${file}`, faults, {
    hint: `Get the dataset again, in place of what is there: verger datasets get ${file.split(sep).at(-2)} --force.`,
  })
}
