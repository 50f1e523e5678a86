import type { Split } from './manifest.ts'

/** How others call the sides of a split: Keras, PyTorch, TensorFlow Datasets, Kaggle, Fruits-360. */
const SPELLINGS: Readonly<Record<string, Split>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
}

/** The side that a word stands for, in any case; undefined where it stands for none. */
export function parseSplit(word: string): Split | undefined {
  const key = word.toLowerCase()
  return Object.hasOwn(SPELLINGS, key) ? SPELLINGS[key] : undefined
}
