/** The words that messages are described with. */

const SCALARS = ['string', 'boolean', 'int32', 'int64', 'double', 'bytes', 'time', 'any'] as const
type Scalar = (typeof SCALARS)[number]

export interface Field {
  readonly about: string
  /** A scalar, the names of an enum, or another message. */
  readonly type: Scalar | readonly string[] | { readonly message: string }
  readonly shape?: 'list' | 'map'
  readonly isOutput?: true
}

export interface Message {
  readonly about: string
  readonly fields: Readonly<Record<string, Field>>
}

export const field = (type: Field['type'], about: string): Field => ({ type, about })
export const text = (about: string): Field => field('string', about)
export const flag = (about: string): Field => field('boolean', about)
export const int32 = (about: string): Field => field('int32', about)
export const int64 = (about: string): Field => field('int64', about)
export const bytes = (about: string): Field => field('bytes', about)
export const time = (about: string): Field => field('time', about)
export const choice = (names: readonly string[], about: string): Field => field(names, about)
export const one = (message: string, about: string): Field => field({ message }, about)
export const list = (each: Field): Field => ({ ...each, shape: 'list' })
export const map = (each: Field): Field => ({ ...each, shape: 'map' })
export const output = (each: Field): Field => ({ ...each, isOutput: true })

export const ML = 'GoogleCloudMlV1__'
export const ETAG = bytes(
  'Changes with every change of the resource; sent back in an update, it refuses the update where another came between.',
)
export const LABELS = map(text('Words of the owner to find resources by.'))
const NEXT_PAGE_TOKEN = text('Sent as pageToken, gives the next page; absent on the last one.')

export const ACCELERATORS = [
  'ACCELERATOR_TYPE_UNSPECIFIED',
  'NVIDIA_TESLA_K80',
  'NVIDIA_TESLA_P100',
  'NVIDIA_TESLA_V100',
  'NVIDIA_TESLA_P4',
  'NVIDIA_TESLA_T4',
  'NVIDIA_TESLA_A100',
  'TPU_V2',
  'TPU_V3',
  'TPU_V2_POD',
  'TPU_V3_POD',
  'TPU_V4_POD',
] as const

export const listOf = (key: string, message: string): Message => ({
  about: `A page of ${key}; without any, an empty object.`,
  fields: {
    [key]: list(one(message, `The ${key} of this page.`)),
    nextPageToken: NEXT_PAGE_TOKEN,
  },
})

export const EMPTY: Message = { about: 'Nothing.', fields: {} }
