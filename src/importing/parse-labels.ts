/** Names of classes as people have them: a list, a file, or the name of a well-known set. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { IMAGENET_LABELS } from '../backbones/imagenet-labels.ts'
import { VergerError } from '../core/errors.ts'

/** Labels of a file are words: a larger one is another file. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** Reads `imagenet`, `a,b,c`, or a file with one label a line or a list in JSON. Throws `label_invalid`. */
export async function readLabels(value: string, cwd: string): Promise<readonly string[]> {
  if (value === 'imagenet') return IMAGENET_LABELS
  const bytes = await readFile(resolve(cwd, value)).catch(() => undefined)
  if (bytes !== undefined && bytes.length <= MAX_FILE_BYTES) return parseLabels(bytes.toString())
  if (value.includes(',')) return requireNames(value.split(','), value)
  throw invalid(`a file of labels, or labels with commas between them, received ${value}`)
}

/**
 * Labels of a text: a list in JSON, `{"0": "tench", …}` or Keras's `{"0": ["n01440764", "tench"], …}`, or one a line,
 * perhaps behind its number as Teachable Machine writes them.
 */
export function parseLabels(text: string): readonly string[] {
  if (/^\s*[[{]/.test(text)) return requireNames(parseJson(text), 'the file')
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
  while (lines.at(-1) === '') lines.pop()
  const isNumbered = lines.every((line, index) => line.startsWith(`${index} `))
  const names = isNumbered ? lines.map((line) => line.slice(line.indexOf(' ') + 1)) : lines
  return requireNames(names, 'the file')
}

function parseJson(text: string): readonly unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(`labels in JSON, received ${(error as Error).message}`)
  }
  if (Array.isArray(value)) return value
  const entries = Object.entries(value as Record<string, unknown>)
  const named = entries.map(([, name]) => (Array.isArray(name) ? name.at(-1) : name))
  if (entries.every(([key], index) => key === String(index))) return named
  throw invalid('a list of labels, or an object with the keys 0, 1, 2 …')
}

function requireNames(names: readonly unknown[], where: string): readonly string[] {
  const faulty = names.findIndex((name) => typeof name !== 'string' || name.trim() === '')
  if (faulty < 0 && names.length > 0) return names.map((name) => String(name).trim())
  throw invalid(
    names.length === 0
      ? `labels in ${where}, received none`
      : `a text as label ${faulty + 1} of ${where}, received ${JSON.stringify(names[faulty])}`,
  )
}

const invalid = (message: string): VergerError =>
  new VergerError('label_invalid', `Expected ${message}`, {
    hint: '--labels labels.txt with one a line in the order of the outputs, --labels a,b,c, or --labels imagenet.',
  })
