/** At which side of the network photos are looked at, where nobody says. */
import type { Backbone } from '../backbones/catalog.ts'
import type { ScannedPhoto } from '../datasets/scan.ts'
import { takesSide } from '../features/check-side.ts'
import type { ModeDecision } from './choose-mode.ts'

/** Photos whose smaller side is at least this are looked at more closely than the network was made for, which pays. */
const LARGE_SIDE = 256
const LARGE_VIEW = 288
/** Milliseconds of a core that a time budget has for each photo, for photos to be looked at so closely. */
const CLOSE_LOOK_MS = { frozen: 120, 'fine-tune': 600 }

/** The network's own side, or a larger one where the photos have more to show, and there is time to look. */
export function chooseSide(
  photos: readonly ScannedPhoto[],
  backbone: Backbone,
  { mode, budgetMs = Number.POSITIVE_INFINITY }: Pick<ModeDecision, 'mode' | 'budgetMs'>,
  workers: number,
): number {
  const isHurried = budgetMs * workers < CLOSE_LOOK_MS[mode] * photos.length
  return isHurried ? backbone.network.input.size : sizeFor(photos, backbone)
}

/** The network's own side, or a larger one where the photos have more to show and the network takes it. */
export function sizeFor(photos: readonly ScannedPhoto[], backbone: Backbone): number {
  const sides = photos.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b)
  const median = sides[Math.floor(sides.length / 2)] ?? 0
  const own = backbone.network.input.size
  return median >= LARGE_SIDE && takesSide(backbone.network, LARGE_VIEW)
    ? Math.max(own, LARGE_VIEW)
    : own
}
