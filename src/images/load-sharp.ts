/** libvips, loaded when the first photo needs it. */
import type Sharp from 'sharp'

let loading: Promise<typeof Sharp> | undefined

/** Loads sharp once. One thread decodes a photo: parallelism comes from the workers. */
export function loadSharp(): Promise<typeof Sharp> {
  loading ??= import('sharp').then(
    ({ default: sharp }) => {
      sharp.cache(false)
      sharp.concurrency(1)
      return sharp
    },
    (error: unknown) => {
      loading = undefined
      throw error
    },
  )
  return loading
}
