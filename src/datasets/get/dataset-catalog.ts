/** Datasets that can be got by name: who publishes them, under which licence, and how their photos lie in the archive. */
import type { Split } from '../manifest.ts'

/** How the photos of an unpacked archive become a dataset. */
export type Layout =
  /** A folder for each label, below the folder that holds all of `marks`. */
  | { readonly kind: 'folders'; readonly marks: readonly string[] }
  /** A folder for each side of the split, with a folder for each label in it. */
  | { readonly kind: 'split-folders'; readonly sides: Readonly<Record<string, Split>> }
  /** A text file for each side of the split, with a path in the first column; labels are the folders of the photos. */
  | { readonly kind: 'split-lists'; readonly lists: Readonly<Record<string, Split>> }

export interface CatalogDataset {
  readonly name: string
  readonly title: string
  readonly licence: string
  /** Page of the publisher. */
  readonly page: string
  readonly url: string
  /** Size and checksum of the archive, where the publisher states them. */
  readonly sizeBytes?: number
  readonly sha256?: string
  readonly layout: Layout
}

/** Composed on this machine instead of downloaded. */
export const SAMPLE_FRUITS = {
  name: 'sample-fruits',
  title: 'Nine kinds of fruit, composed from icons; no network needed',
  licence: 'MIT (Fluent Emoji) and Apache-2.0 (Verger; Noto Emoji, test)',
} as const

export const DATASET_CATALOG: readonly CatalogDataset[] = [
  {
    name: 'fruits-360',
    title: 'Fruits-360, 100 × 100 px on white (Mihai Oltean)',
    licence: 'CC BY-SA 4.0',
    page: 'https://github.com/fruits-360/fruits-360-100x100',
    // The archive of a branch: it grows, and has no stable checksum.
    url: 'https://codeload.github.com/fruits-360/fruits-360-100x100/zip/refs/heads/main',
    layout: { kind: 'split-folders', sides: { Training: 'train', Test: 'test' } },
  },
  {
    name: 'grocery-store',
    title: 'Grocery Store, phone photos from shops, 81 classes (Klasson et al., WACV 2019)',
    licence: 'MIT',
    page: 'https://github.com/marcusklasson/GroceryStoreDataset',
    url: 'https://codeload.github.com/marcusklasson/GroceryStoreDataset/zip/refs/heads/master',
    layout: {
      kind: 'split-lists',
      lists: { 'train.txt': 'train', 'val.txt': 'validation', 'test.txt': 'test' },
    },
  },
  {
    name: 'tf-flowers',
    title: 'TensorFlow flowers, 3,670 photos of 5 kinds (The TensorFlow Team, 2019)',
    licence: 'CC BY 2.0; LICENSE.txt in it names the photographer of each photo',
    page: 'https://www.tensorflow.org/datasets/catalog/tf_flowers',
    url: 'https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz',
    // tensorflow_datasets/url_checksums/tf_flowers.txt
    sizeBytes: 228_813_984,
    sha256: '4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c',
    layout: {
      kind: 'folders',
      marks: ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips'],
    },
  },
]
