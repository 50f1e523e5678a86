/** Photos that follow their format and still are not what anybody expects; made here because no camera writes them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { openPredictor, type Photo, readConfig } from 'verger'
import { afterAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'verger-odd-'))
const { limits } = readConfig({})
const predictor = openPredictor({ workers: 1, limits })

afterAll(async () => {
  await predictor.close()
  rmSync(folder, { recursive: true })
})

const predict = (photo: Photo) => predictor.predict({ source: 'odd', photo })

/** A TIFF of RGB with two further channels. */
function fiveChannels(): Promise<Buffer> {
  const side = 10
  const plane = { raw: { width: side, height: side, channels: 1 as const } }
  return sharp(Buffer.alloc(side * side * 3, 90), {
    raw: { width: side, height: side, channels: 3 },
  })
    .joinChannel([Buffer.alloc(side * side, 10), Buffer.alloc(side * side, 20)], plane)
    .tiff({ compression: 'none' })
    .toBuffer()
}

describe('pixels that somebody else has decoded', () => {
  it.each([64, 1000])('are answered as their photo is: %i px', async (side) => {
    const png = await sharp({
      create: { width: side, height: side, channels: 3, background: '#6a3' },
    })
      .composite([
        {
          input: { create: { width: side / 2, height: side / 2, channels: 3, background: '#e31' } },
        },
      ])
      .png()
      .toBuffer()
    const data = await sharp(png).removeAlpha().raw().toBuffer()
    expect(await predict({ data, width: side, height: side })).toEqual(await predict(png))
  })

  it('are refused where they are fewer than said', async () => {
    await expect(predict({ data: new Uint8Array(11), width: 2, height: 2 })).rejects.toMatchObject({
      code: 'photo_corrupt',
    })
  })
})

describe('an odd photo', () => {
  it('with five channels is refused by name, and the next one is answered', async () => {
    await expect(predict(await fiveChannels())).rejects.toMatchObject({
      code: 'photo_corrupt',
      message: expect.stringContaining('received 5 channels'),
    })
    const plain = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#888' } })
      .png()
      .toBuffer()
    expect((await predict(plain)).top).toHaveLength(5)
  })

  it('that is a device is not read', async () => {
    await expect(predict('/dev/zero')).rejects.toMatchObject({ code: 'photo_unreadable' })
  })

  it('of one row and ten thousand columns is squashed', async () => {
    const strip = await sharp({
      create: { width: 10_000, height: 1, channels: 3, background: '#3a3' },
    })
      .jpeg()
      .toBuffer()
    const path = join(folder, 'strip.jpg')
    writeFileSync(path, strip)
    expect((await predict(path)).top).toHaveLength(5)
  })
})
