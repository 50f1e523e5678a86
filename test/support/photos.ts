/** The synthetic photos of `test/fixtures`; that folder's README tells what each one is for. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))

export function photoPath(name: string): string {
  return `${FIXTURES}photos/${name}`
}

export function readPhoto(name: string): Buffer<ArrayBuffer> {
  return readFileSync(photoPath(name))
}

const golden: { readonly fixture: string }[] = JSON.parse(
  readFileSync(`${FIXTURES}golden/index.json`, 'utf8'),
)

/** Names of the photos that have golden pixels, so that Verger must read them. */
export const GOOD_PHOTOS: readonly string[] = golden.map(({ fixture }) => fixture)

/** Names of the other files beside them, which Verger must refuse. */
export const REFUSED_FILES: readonly string[] = readdirSync(`${FIXTURES}photos`).filter(
  (name) => !GOOD_PHOTOS.includes(name),
)
