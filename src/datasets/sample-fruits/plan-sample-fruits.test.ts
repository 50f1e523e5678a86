import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { packagePath } from '../../core/version.ts'
import { FRUIT_KINDS, ICON_SETS, iconNames } from './icon-sets.ts'
import { planSampleFruits } from './plan-sample-fruits.ts'

const assets = (path: string) => packagePath(`assets/sample-fruits/${path}`)

describe('the plan of sample-fruits', () => {
  const plan = planSampleFruits()

  it('has 60 photos to train on and 20 to test with of each kind', () => {
    for (const kind of FRUIT_KINDS) {
      const paths = plan.filter(({ label }) => label === kind).map(({ path }) => path)
      expect(paths.filter((path) => path.startsWith(`train/${kind}/`))).toHaveLength(60)
      expect(paths.filter((path) => path.startsWith(`test/${kind}/`))).toHaveLength(20)
    }
    expect(new Set(plan.map(({ path }) => path)).size).toBe(9 * 80)
  })

  it('tests with drawings by other hands than those it trains on', () => {
    const handsOf = (split: string) =>
      new Set(
        plan
          .filter(({ path }) => path.startsWith(split))
          .map(({ iconSet }) => iconSet.name.split('-')[0]),
      )
    expect(handsOf('train')).toEqual(new Set(['fluent', 'verger']))
    expect(handsOf('test')).toEqual(new Set(['noto']))
  })

  it('is the same at every call, and a smaller sample is a part of it', () => {
    expect(planSampleFruits()).toEqual(plan)
    const small = planSampleFruits({ trainPerKind: 7, testPerKind: 3 })
    expect(small).toHaveLength(9 * 10)
    expect(plan).toEqual(expect.arrayContaining([...small]))
  })

  it('shows every drawing that is there, and no other', () => {
    const named = ICON_SETS.flatMap(({ name }) =>
      FRUIT_KINDS.flatMap((kind) => iconNames(name, kind).map((icon) => `${name}/${icon}`)),
    )
    const there = ICON_SETS.flatMap(({ name }) =>
      readdirSync(assets(name)).map((file) => `${name}/${file.replace('.svg', '')}`),
    )
    expect(there.sort()).toEqual(named.sort())
    const shown = new Set(
      plan.flatMap(({ iconSet, scene }) =>
        scene.fruits.map(({ icon }) => `${iconSet.name}/${icon}`),
      ),
    )
    expect([...shown].sort()).toEqual(named)
    expect(existsSync(assets('noto/apple-2.svg'))).toBe(true)
  })

  it('keeps the fruit within the frame and between 30 and 95 % of its side', () => {
    for (const { path, scene } of plan) {
      const side = Math.min(scene.width, scene.height)
      expect(scene.fruits.length, path).toBeGreaterThan(0)
      for (const { x, y, size } of scene.fruits) {
        expect(size / side, path).toBeGreaterThan(0.3)
        expect(size / side, path).toBeLessThanOrEqual(0.95)
        expect(x > 0 && x < scene.width && y > 0 && y < scene.height, path).toBe(true)
      }
    }
  })

  it('chooses backdrops without regard to the kind', () => {
    for (const kind of FRUIT_KINDS) {
      const backdrops = plan
        .filter(({ label }) => label === kind)
        .map(({ scene }) => scene.backdrop.kind)
      expect(new Set(backdrops).size, kind).toBeGreaterThanOrEqual(12)
    }
  })
})
