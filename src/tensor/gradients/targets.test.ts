import { describe, expect, it } from 'vitest'
import { targetsOf } from './targets.ts'

describe('targetsOf', () => {
  it('spreads a share over all classes', () => {
    const targets = targetsOf([1, 0], { classes: 4, labelSmoothing: 0.2 })
    expect([...targets].map((value) => Number(value.toFixed(6)))).toEqual([
      0.05, 0.85, 0.05, 0.05, 0.85, 0.05, 0.05, 0.05,
    ])
  })

  it('weighs a photo by its class', () => {
    const classWeights = Float32Array.of(0.5, 2)
    expect([...targetsOf([1, 0], { classes: 2, labelSmoothing: 0, classWeights })]).toEqual([
      0, 2, 0.5, 0,
    ])
  })

  it.each([[2], [-1], [0.5], [Number.NaN]])('refuses the label %s', (label) => {
    expect(() => targetsOf([0, label], { classes: 2, labelSmoothing: 0 })).toThrow(
      `Expected a label from 0 to 1, received ${label} for photo 1`,
    )
  })
})
