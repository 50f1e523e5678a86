/** The attempt again with its backbone in 8 bit, where that keeps what it sees and is faster here. */
import { type Backbone, toBackbone } from '../backbones/catalog.ts'
import {
  type BackboneDescription,
  keepModel,
  readKeptBackbone,
} from '../backbones/kept-backbones.ts'
import { sha256 } from '../core/hashes.ts'
import { type QuantizeResult, quantizeBackbone, refusalOf } from '../features/quantize-backbone.ts'
import type { Attempt, AttemptPlan } from './attempt.ts'
import type { TrainContext } from './train-context.ts'

export type Rounded =
  | { readonly attempt: Attempt; readonly note: string }
  /** Why float32 is kept. */
  | { readonly refusal: string }

/** `lookThrough` makes the attempt again with another backbone. Throws what it and `quantizeBackbone` throw. */
export async function tryRounded(
  plan: AttemptPlan,
  exact: Attempt,
  lookThrough: (backbone: Backbone) => Promise<Attempt>,
  { home, limits, signal, onEvent = () => {} }: TrainContext,
): Promise<Rounded> {
  const [size, ...others] = new Set(exact.views.map((view) => view.size))
  if (size === undefined || others.length > 0) {
    return { refusal: 'a backbone in 8 bit is made for one side, and these views have several' }
  }
  onEvent({ stage: 'quantizing' })
  const result = await quantizeBackbone(
    {
      backbone: exact.backbone,
      size,
      photos: plan.photos.map(({ load }) => load).filter((load) => typeof load === 'string'),
      maxPixels: limits.photoPixels,
    },
    signal === undefined ? {} : { signal },
  )
  const refusal = refusalOf(result.figures)
  onEvent({ stage: 'quantized', figures: result.figures, refusal })
  if (refusal !== undefined) return { refusal }
  const backbone = await keepRounded(home, exact.backbone, size, result)
  const { meanCosine, speedUp } = result.figures
  return {
    attempt: await lookThrough(backbone),
    note: `Computed in 8 bit: features keep a mean cosine of ${meanCosine.toFixed(3)}, ${speedUp.toFixed(2)} times as fast on the machine that trained.`,
  }
}

/** What an id of 64 characters leaves beside `-int8-` and twelve digits. */
const LONGEST_NAME = 46

/** Puts a backbone in 8 bit into the home; its id holds its hash, so the same one is kept once. */
async function keepRounded(
  home: string,
  exact: Backbone,
  size: number,
  { model, observed, figures }: QuantizeResult,
): Promise<Backbone> {
  const { id, architecture, network, labels, weights } = exact
  const digest = sha256(model)
  const description: BackboneDescription = {
    format: 1,
    id: `${id.slice(0, LONGEST_NAME)}-int8-${digest.slice(0, 12)}`,
    architecture,
    network: { ...network, input: { ...network.input, size, isFixed: true } },
    labels,
    model: { sha256: digest, sizeBytes: model.length },
    source: { location: weights.path, sha256: weights.sha256, sizeBytes: weights.sizeBytes },
    licence: weights.licence,
    readAs: `${id} in 8 bit`,
    notes: [
      `Fitted to photos of ${size} pixels; on ${figures.photos} others features keep a mean cosine of ${figures.meanCosine.toFixed(4)}, at worst ${figures.worstCosine.toFixed(4)}.`,
    ],
    quantization: {
      from: id,
      observed: {
        input: observed.input,
        layers: observed.layers,
        means: [...observed.means].map(([layer, means]) => [layer, [...means]] as const),
      },
    },
    createdAt: new Date().toISOString(),
  }
  if (readKeptBackbone(home, description.id) === undefined) {
    await keepModel(home, description, model)
  }
  return toBackbone(home, description)
}
