/** The backbones that a host has open: one pool of workers for each that was asked for. */
import { type Backbone, findBackbone } from '../backbones/catalog.ts'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { type Featurizer, type Load, openFeaturizer } from '../features/featurizer.ts'
import { createSelfTest } from './self-test.ts'

export interface OpenBackbone {
  readonly backbone: Backbone
  readonly featurizer: Featurizer
  readonly selfTest: ReturnType<typeof createSelfTest>
}

export interface BackbonePool {
  /** Opens a backbone where it is not open yet. Throws `backbone_unknown`, `backbone_missing` or `backbone_damaged`. */
  open(id: string): OpenBackbone
  /** Of all of them together; the time is that of the busiest. */
  readonly load: Load
  close(): Promise<void>
}

export interface BackbonePoolOptions {
  readonly workers: number
  readonly limits: Limits
  readonly home: string | undefined
}

export function openBackbonePool({ workers, limits, home }: BackbonePoolOptions): BackbonePool {
  const opened = new Map<string, OpenBackbone>()
  let isClosed = false
  const each = <Value>(read: (load: Load) => Value): Value[] =>
    [...opened.values()].map(({ featurizer }) => read(featurizer.load))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    open(id) {
      if (isClosed) {
        throw new VergerError('server_closing', 'Expected open backbones, they are being closed')
      }
      const known = opened.get(id)
      if (known !== undefined) return known
      const backbone = findBackbone(id, home)
      const featurizer = openFeaturizer({ backbone, workers, limits })
      const fresh = { backbone, featurizer, selfTest: createSelfTest(backbone, featurizer) }
      opened.set(id, fresh)
      return fresh
    },
    get load() {
      return {
        waiting: sum(each(({ waiting }) => waiting)),
        running: sum(each(({ running }) => running)),
        waitMs: Math.max(0, ...each(({ waitMs }) => waitMs)),
      }
    },
    async close() {
      isClosed = true
      await Promise.all([...opened.values()].map(({ featurizer }) => featurizer.close()))
    },
  }
}
