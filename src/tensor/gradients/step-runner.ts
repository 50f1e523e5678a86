/**
 * The state of a training and its steps, on the calling thread. Tensors lie in two sets; a step reads one and writes the
 * other, and where its results are finite the two change places. So nothing is copied, and a step that failed has
 * changed nothing.
 */
import { loadPlacedSession, type Placed, place } from '../session.ts'
import { elementCount, type FloatTensor } from '../tensor.ts'
import { STEP_SCALARS, scalarsOf } from './optimisers.ts'
import { DROPOUT_INPUT, nextName, STEP_RESULTS } from './plan-training-step.ts'
import type {
  StepRequest,
  StepResult,
  Trainer,
  TrainingState,
  TrainingStep,
} from './training-step.ts'

interface Buffer extends FloatTensor {
  readonly placed: Placed
}

/** `asPlaced` are the dims that the graph knows. */
const createBuffer = (
  dims: readonly number[],
  values?: Float32Array,
  asPlaced: readonly number[] = dims,
): Buffer => {
  const data = new Float32Array(elementCount(dims))
  if (values !== undefined) data.set(values)
  return { dims, data, placed: place({ type: 'float32', data, dims: asPlaced }) }
}

/** Computes on the calling thread, which nothing else can use meanwhile: `openTrainer` gives it one of its own. */
export async function openStepRunner(
  step: TrainingStep,
  { threads }: { readonly threads: number },
): Promise<Trainer> {
  const session = await loadPlacedSession(step.model, threads)
  const { state, initial, batchSize, size, classes } = step
  const createSet = () =>
    new Map(
      state.map(({ name, dims }) => [
        name,
        createBuffer(dims, initial.get(name)?.data, [elementCount(dims)]),
      ]),
    )
  let present = createSet()
  let next = createSet()
  let steps = 0
  const scalars = new Map(STEP_SCALARS.map((name) => [name, createBuffer([])]))
  const results = new Map(STEP_RESULTS.map((name) => [name, createBuffer([])]))
  const kept =
    step.dropoutDims === undefined || step.options.dropout === undefined
      ? undefined
      : { share: 1 - step.options.dropout, ...createBuffer(step.dropoutDims) }
  const read = (name: (typeof STEP_RESULTS)[number]) => results.get(name)?.data[0] ?? Number.NaN

  return {
    async step({ photos, targets, learningRate, seed = 0 }: StepRequest): Promise<StepResult> {
      checkLength('levels of photos', photos, batchSize * size * size * 3)
      checkLength('targets', targets, batchSize * classes)
      const numbers = scalarsOf(step.options, steps + 1, learningRate)
      for (const [name, { data }] of scalars) data[0] = numbers[name]
      if (kept !== undefined) fillKept(kept.data, kept.share, seed)
      const placed = (buffers: ReadonlyMap<string, Buffer>, rename = (name: string) => name) =>
        Object.fromEntries([...buffers].map(([name, buffer]) => [rename(name), buffer.placed]))
      await session.run(
        {
          photos: place({ type: 'uint8', data: photos, dims: [batchSize, size, size, 3] }),
          targets: place({ type: 'float32', data: targets, dims: [batchSize, classes] }),
          ...(kept === undefined ? {} : { [DROPOUT_INPUT]: kept.placed }),
          ...placed(scalars),
          ...placed(present),
        },
        { ...placed(results), ...placed(next, nextName) },
      )
      const result = {
        loss: read('loss'),
        gradientNorm: read('gradientNorm'),
        correct: read('correct'),
      }
      const isApplied = Number.isFinite(result.loss) && Number.isFinite(result.gradientNorm)
      if (isApplied) {
        const spent = present
        present = next
        next = spent
        steps++
      }
      return { ...result, isApplied }
    },

    async read(): Promise<TrainingState> {
      const tensors = [...present].map(
        ([name, { dims, data }]) => [name, { dims, data: Float32Array.from(data) }] as const,
      )
      return { steps, tensors: new Map(tensors) }
    },

    async write({ steps: made, tensors }: TrainingState): Promise<void> {
      for (const [name, { dims }] of present) {
        const received = tensors.get(name)
        if (received?.dims.join() === dims.join()) continue
        throw new RangeError(
          `Expected a state with ${name} of shape [${dims.join(', ')}], received ${received === undefined ? 'none' : `[${received.dims.join(', ')}]`}`,
        )
      }
      for (const [name, { data }] of present) data.set(tensors.get(name)?.data ?? data)
      steps = made
    },

    close: () => session.close(),
  }
}

function checkLength(what: string, { length }: ArrayLike<number>, expected: number): void {
  if (length === expected) return
  throw new RangeError(`Expected ${expected} ${what}, received ${length}`)
}

/** Fills with 0 or 1 / share, so that the mean stays 1. Numbers: mulberry32, a full period of 2³² from any seed. */
function fillKept(kept: Float32Array, share: number, seed: number): void {
  let state = seed >>> 0
  for (let at = 0; at < kept.length; at++) {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    kept[at] = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 < share ? 1 / share : 0
  }
}
