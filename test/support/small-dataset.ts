/** Photos of three kinds of fruit, drawn in milliseconds: enough to train on in seconds. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { createRandom, type Random } from '../../src/learn/random.ts'

const SIDE = 96

/** A shape around 0, 0 with a radius of about 1, in a colour of its kind. */
const FRUITS = {
  apple: { colour: [200, 40, 40], shape: '<circle r="0.9"/><path d="M0-0.8l0.2-0.5 0.1 0.5z"/>' },
  banana: { colour: [230, 200, 40], shape: '<path d="M-1-0.6q0.9 1.3 2 0.2q-0.7 1.6-2-0.2z"/>' },
  plum: { colour: [90, 40, 130], shape: '<ellipse rx="0.6" ry="0.95"/>' },
} as const
export type FruitLabel = keyof typeof FRUITS
export const FRUIT_LABELS = Object.keys(FRUITS) as FruitLabel[]

export interface SmallDatasetOptions {
  readonly labels?: readonly FruitLabel[]
  readonly photosPerLabel?: number
  /** Another seed draws other photos. */
  readonly seed?: number
}

/** Writes `<folder>/<label>/<n>.jpg`; the same options write the same bytes. Gives the paths, from the folder. */
export async function writeSmallDataset(
  folder: string,
  { labels = FRUIT_LABELS, photosPerLabel = 12, seed = 1 }: SmallDatasetOptions = {},
): Promise<string[]> {
  const paths: string[] = []
  for (const label of labels) {
    for (let index = 0; index < photosPerLabel; index++) {
      const path = `${label}/${index}.jpg`
      const file = join(folder, path)
      mkdirSync(dirname(file), { recursive: true })
      const place = FRUIT_LABELS.indexOf(label) * 1_000_000 + index
      writeFileSync(file, await drawFruit(label, seed * 10_000_000 + place))
      paths.push(path)
    }
  }
  return paths
}

/** A JPEG of one fruit on a ground of its own. */
export async function drawFruit(label: FruitLabel, seed: number): Promise<Buffer> {
  const random = createRandom(seed)
  const { colour, shape } = FRUITS[label]
  const between = (low: number, high: number) => low + random.next() * (high - low)
  const place = `translate(${between(36, 60)} ${between(36, 60)})`
  const turned = `rotate(${between(0, 360)}) scale(${between(18, 34)})`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">
    <defs><linearGradient id="g" x2="${random.next()}" y2="1">
      <stop stop-color="${drawColour(random)}"/><stop offset="1" stop-color="${drawColour(random)}"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/>
    <g transform="${place} ${turned}" fill="rgb(${colour.map((level) => Math.round(level * between(0.8, 1.15))).join()})">${shape}</g>
  </svg>`
  return sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer()
}

const drawColour = (random: Random): string =>
  `rgb(${[0, 0, 0].map(() => Math.round(60 + 195 * random.next())).join()})`
