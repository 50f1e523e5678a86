/** How deep, how close and how long a network is fine-tuned. */

import { VergerError } from '../../core/errors.ts'
import { takesSide } from '../../features/check-side.ts'
import type { CosineSchedule } from '../../learn/cosine-schedule.ts'
import { hasGradient } from '../../tensor/gradients/rules.ts'
import { INPUT, type Network } from '../../tensor/network.ts'
import { findCuts } from '../../tensor/network-cuts.ts'

/** Plain data: it is part of what a checkpoint belongs to. */
export interface TuneSettings {
  /** Side of the photo in the network. */
  readonly size: number
  /** The first block or layer that learns. */
  readonly trainFrom: string
  readonly batchSize: number
  /** Times that the photos pass by, to a tenth. */
  readonly epochs: number
  /** From one judgement to the next, counted back from the last. */
  readonly judgedEvery: number
  readonly schedule: CosineSchedule
  readonly weightDecay: number
  /** Share of the learning rate by which the first layer that learns moves; see `TrainingOptions`. */
  readonly firstRateShare: number
  /** See `TrainingOptions`. */
  readonly sharpness: { readonly radius: number; readonly photos: number }
  readonly labelSmoothing: number
  readonly gradientClip: number
  readonly dropout: number
  readonly averageDecay: number
  /** Share of what was learned that is kept; the rest is as it was before; see `blendWeights`. */
  readonly tunedShare: number
}

const BATCH_SIZE = 32
/** The peak of a training of this many steps or more; twice the rate forgets what the network knew. */
const PEAK_RATE = 5e-4
const PEAK_STEPS = 200
/** The lower a layer, the more of what it knows holds for any photo. */
const FIRST_RATE_SHARE = 0.25
/** Where few photos are learned by heart, weights among which the loss is flat say more of new ones: docs/decisions/0030. */
const SHARPNESS_RADIUS = 0.05
/** Of a batch, those that show the way uphill: few, for what they cost (docs/decisions/0030). */
export const UPHILL_SHARE = 0.25
const TUNED_SHARE = 0.85
/** Steps of the rise, and the share of all steps that it takes at most. */
const WARM_UP_STEPS = 60
const WARM_UP_SHARE = 0.2
/**
 * The moving average of weights looks back over this share of all steps for each epoch: the more often photos pass by, the
 * more the last steps only make the network surer of them (docs/decisions/0030).
 */
const AVERAGED_PER_EPOCH = 0.02
const MOST_AVERAGED = 0.25
/** Multiplications of a photo that lie in the part that learns: of EfficientNet-Lite0, blocks 7 to 15. */
const LEARNING_SHARE = 0.64
/**
 * What is learned from are parts of photos, where things look larger than in whole ones: at a smaller side they look as they
 * will be served, and cost less (Touvron et al. 2019, https://arxiv.org/abs/1906.06423).
 */
const LEARNED_SHARE = 0.86
/** Networks halve the side five times as a rule: any other would be padded on the way. */
const SIDE_STEP = 32
const EPOCHS = 12
/** Small datasets pass by more often, so that weights move at all; at most so many times. */
const LEAST_STEPS = 300
const MOST_EPOCHS = 40
/** To judge an epoch takes time: of many so many are judged. */
const MOST_JUDGED = 8

/** Where a network is divided, and how closely it looks at the photos that it learns from. */
export interface Depth {
  readonly trainFrom: string
  /** Share of the multiplications that lie in the part that learns, 0 to 1. */
  readonly shareBehind: number
  readonly size: number
}

/** What is taken where nothing limits the time, for photos that are served at `side`. */
export const defaultDepth = (network: Network, side: number): Depth => ({
  ...firstToLearn(network, LEARNING_SHARE),
  size: learnedSide(network, side),
})

/** The side at which a network learns that serves photos at `side`: a little smaller, where the network takes that. */
export function learnedSide(network: Network, side: number): number {
  const size = SIDE_STEP * Math.max(1, Math.round((LEARNED_SHARE * side) / SIDE_STEP))
  return size < side && takesSide(network, size) ? size : side
}

/** Times that so many photos pass by, where nothing limits the time. */
export const defaultEpochs = (photos: number): number =>
  Math.max(EPOCHS, Math.ceil(leastEpochs(photos)))

/** Times that few photos pass by at least. */
export const leastEpochs = (photos: number): number =>
  Math.min(MOST_EPOCHS, (LEAST_STEPS * BATCH_SIZE) / photos)

/** Epochs from one judgement to the next where judging costs next to nothing. */
export const leastJudgedEvery = (epochs: number): number => Math.ceil(epochs / MOST_JUDGED)

/** The recipe for so many passes over `photos` photos. */
export function planTuneSettings(
  { trainFrom, size }: Pick<Depth, 'trainFrom' | 'size'>,
  epochs: number,
  photos: number,
  judgedEvery: number = leastJudgedEvery(epochs),
): TuneSettings {
  const steps = stepsOf(epochs, photos)
  const averagedShare = Math.min(MOST_AVERAGED, AVERAGED_PER_EPOCH * epochs)
  return {
    size,
    trainFrom,
    batchSize: BATCH_SIZE,
    epochs,
    judgedEvery,
    schedule: {
      peak: PEAK_RATE * Math.min(1, Math.sqrt(steps / PEAK_STEPS)),
      steps,
      warmUpSteps: Math.min(WARM_UP_STEPS, Math.ceil(WARM_UP_SHARE * steps)),
    },
    weightDecay: 0.02,
    firstRateShare: FIRST_RATE_SHARE,
    sharpness: { radius: SHARPNESS_RADIUS, photos: UPHILL_SHARE * BATCH_SIZE },
    labelSmoothing: 0.1,
    gradientClip: 5,
    dropout: 0.2,
    averageDecay: 1 - 1 / Math.max(1, averagedShare * steps),
    tunedShare: TUNED_SHARE,
  }
}

/** Steps with the last of which so many epochs end. */
export const stepsOf = (epochs: number, photos: number): number =>
  Math.ceil((epochs * photos) / BATCH_SIZE)

/**
 * The first block of the part that has at most `share` of the multiplications, and as many as can be, behind the last layer
 * without a gradient. Throws `usage_invalid` where nothing that could learn lies there.
 */
export function firstToLearn(network: Network, share: number): Omit<Depth, 'size'> {
  const { layers, stages = {} } = network
  const ends = new Set(Object.values(stages))
  const nameBehind = (cut: number) => {
    const first = layers.slice(cut + 1).find((layer) => 'name' in layer)
    return first !== undefined && 'name' in first ? first.name : undefined
  }
  const obstacle = layers.findLastIndex((layer) => !hasGradient(layer))
  const cuts = findCuts(network).filter(
    ({ layer }) =>
      layer >= obstacle && (ends.size === 0 || ends.has(layer)) && nameBehind(layer) !== undefined,
  )
  const cut = cuts.find(({ shareBehind }) => shareBehind <= share) ?? cuts.at(-1)
  const name = nameBehind(cut?.layer ?? INPUT)
  if (name === undefined || (cut === undefined && obstacle >= 0)) {
    throw nothingToLearn(network, layers[obstacle]?.op)
  }
  const [block = name] = name.split('/')
  return { trainFrom: block in stages ? block : name, shareBehind: cut?.shareBehind ?? 0 }
}

function nothingToLearn({ name }: Network, obstacle: string | undefined): VergerError {
  const behind =
    obstacle === undefined ? '' : ` behind its layer '${obstacle}', which has no gradient`
  return new VergerError(
    'usage_invalid',
    `Expected a network of which layers can learn, received ${name}, which has none${behind}`,
    { hint: 'Train with --mode frozen, or fine-tune another backbone.' },
  )
}
