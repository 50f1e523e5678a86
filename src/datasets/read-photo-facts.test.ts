import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { readPhotoFacts } from './read-photo-facts.ts'

const PHOTOS = fileURLToPath(new URL('../../test/fixtures/photos', import.meta.url))
const LIMITS = { photoBytes: 10_000_000, photoPixels: 100_000_000 }

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-facts-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const codeOf = (file: string, decode: boolean, limits = LIMITS) =>
  readPhotoFacts(file, { decode, limits }).then(
    () => 'fine',
    (error: unknown) => (error instanceof VergerError ? error.code : String(error)),
  )

describe.each([true, false])('readPhotoFacts with decode: %s', (decode) => {
  it.each([
    'baseline.jpg',
    'progressive.jpg',
    'exif-6.jpg',
    'cmyk.jpg',
    'rgb.png',
    'animated.gif',
    'animated.webp',
    'deflate.tiff',
  ])('gives hash and stored size of %s', async (name) => {
    const file = join(PHOTOS, name)
    const bytes = readFileSync(file)
    const { default: sharp } = await import('sharp')
    const { width, height } = await sharp(bytes).metadata()
    expect(await readPhotoFacts(file, { decode, limits: LIMITS })).toEqual({
      sha256: sha256(bytes),
      sizeBytes: bytes.length,
      width,
      height,
    })
  })

  it.each([
    ['empty.jpg', 'photo_empty'],
    ['text.jpg', 'photo_format_unknown'],
    ['photo.heic', 'photo_format_refused'],
    ['header-only.jpg', 'photo_truncated'],
    ['truncated.jpg', 'photo_truncated'],
    ['bomb.png', 'photo_too_many_pixels'],
    ['gone.jpg', 'photo_not_found'],
  ])('refuses %s', async (name, code) => {
    expect(await codeOf(join(PHOTOS, name), decode)).toBe(code)
  })

  it('refuses a photo with too many bytes without reading it', async () => {
    const limits = { ...LIMITS, photoBytes: 1000 }
    expect(await codeOf(join(PHOTOS, 'baseline.jpg'), decode, limits)).toBe('photo_too_large')
  })

  it('refuses what is no file, and does not wait for a pipe', async () => {
    mkdirSync(join(folder, `folder-${decode}.jpg`))
    symlinkSync('gone', join(folder, `dangling-${decode}.jpg`))
    execFileSync('mkfifo', [join(folder, `pipe-${decode}.jpg`)])
    expect(await codeOf(join(folder, `folder-${decode}.jpg`), decode)).toBe('photo_unreadable')
    expect(await codeOf(join(folder, `dangling-${decode}.jpg`), decode)).toBe('photo_not_found')
    expect(await codeOf(join(folder, `pipe-${decode}.jpg`), decode)).toBe('photo_unreadable')
  })

  it('reads through a link', async () => {
    copyFileSync(join(PHOTOS, 'baseline.jpg'), join(folder, `real-${decode}.jpg`))
    symlinkSync(`real-${decode}.jpg`, join(folder, `link-${decode}.jpg`))
    expect(await codeOf(join(folder, `link-${decode}.jpg`), decode)).toBe('fine')
  })
})

describe('a photo whose header is whole', () => {
  it('is found to be corrupt only when it is decoded', async () => {
    expect(await codeOf(join(PHOTOS, 'corrupt.png'), false)).toBe('fine')
    expect(await codeOf(join(PHOTOS, 'corrupt.png'), true)).toBe('photo_corrupt')
  })

  it('is found to be cut off by its missing end, where it is a JPEG', async () => {
    const whole = readFileSync(join(PHOTOS, 'baseline.jpg'))
    const file = join(folder, 'cut.jpg')
    writeFileSync(file, whole.subarray(0, whole.length - 200))
    expect(await codeOf(file, false)).toBe('photo_truncated')
  })
})
