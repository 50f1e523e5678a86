/** What lies where a version is to be made from, and which of it is meant. */
import { BUNDLE_MANIFEST } from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'

/** Files that are a whole source by themselves, in the folder or without one. */
const ALONE = /\.(onnx|tflite|keras|h5|hdf5|zip)$/
/** Files that have others beside them: the folder is what is read. */
const WITH_FOLDER = [BUNDLE_MANIFEST, 'saved_model.pb', 'model.json']

/** Whether a file of this name stands for the folder that it lies in. */
export const isFolderFile = (name: string): boolean => WITH_FOLDER.includes(name)

/** Whether a file directly in a folder says by its name what the folder is. */
export const isMainFile = (name: string): boolean =>
  isFolderFile(name) || (!name.includes('/') && ALONE.test(name))

/** How many names a message shows. */
const SHOWN = 6

export interface MainFile {
  readonly name: string
  readonly isBundle: boolean
  /** Whether the folder is read, or this file of it alone. */
  readonly isFolder: boolean
}

/**
 * Finds the one file directly in a folder that says what the folder is.
 *
 * @param names - paths of all files below it, with `/` between their parts
 * @param place - folder or address, for the message
 *
 * Throws `source_invalid` with what was found.
 */
export function findMainFile(names: readonly string[], place: string): MainFile {
  const found = names.filter(isMainFile)
  const [main, ...others] = found
  if (main !== undefined && others.length === 0) {
    return { name: main, isBundle: main === BUNDLE_MANIFEST, isFolder: WITH_FOLDER.includes(main) }
  }
  const shown = found.length > 1 ? found : [...names].sort()
  throw invalidSource(place, listNames(shown))
}

function listNames(names: readonly string[]): string {
  if (names.length === 0) return 'nothing'
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return names.slice(0, SHOWN).join(', ') + more
}

export function invalidSource(place: string, found: string, cause?: unknown): VergerError {
  return new VergerError(
    'source_invalid',
    `Expected exactly one of bundle.json, saved_model.pb, model.json, or a .onnx, .tflite, .keras, .h5 or .zip file in ${place}, found ${found}`,
    {
      hint: 'Name the folder that holds it directly, or the file itself.',
      details: { from: place },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
