/** What each version has answered since the server started, by whatever protocol, in the words of Triton. */
import { type Caller, maySee } from '../../registry/scopes.ts'
import type { RouteOptions } from '../route-options.ts'
import { versionOfNumber } from '../version-numbers.ts'

export interface ModelStatistics {
  readonly name: string
  readonly version: string
  /** Milliseconds since 1970; 0 where it has answered nothing yet. */
  readonly last_inference: number
  /** Photos. */
  readonly inference_count: number
  /** Runs of the network: photos are computed one by one, since batches are no faster on a CPU. */
  readonly execution_count: number
  readonly inference_stats: {
    /** From the arrival of a photo at the host to its answer, waiting included. */
    readonly success: { readonly count: number; readonly ns: number }
  }
  readonly memory_usage: readonly {
    readonly type: 'CPU'
    readonly id: 0
    readonly byte_size: number
  }[]
}

export interface InferenceStatistics {
  /** Of one version, of all of a model, or of all that the caller may see. Throws `model_unknown` or `version_unknown`. */
  list(caller: Caller, model?: string, version?: string): Promise<ModelStatistics[]>
}

interface Counts {
  count: number
  tookMs: number
  lastMs: number
}

/** Counts from now on. */
export function collectStatistics({ host, home }: RouteOptions): InferenceStatistics {
  const counts = new Map<string, Counts>()
  host.events.on('answered', ({ answer: { answerer }, tookMs }) => {
    if (!('model' in answerer)) return
    const key = keyOf(answerer.model, answerer.version)
    const known = counts.get(key) ?? { count: 0, tookMs: 0, lastMs: 0 }
    counts.set(key, { count: known.count + 1, tookMs: known.tookMs + tookMs, lastMs: Date.now() })
  })

  return {
    async list(caller, model, version) {
      const opened = model === undefined ? await home.find() : await home.require(model)
      if (opened === undefined) return []
      const { registry } = opened
      const models =
        model === undefined ? (await registry.listModels()).map(({ name }) => name) : [model]
      const visible = models.filter((name) => maySee(caller, name))
      const versions =
        model !== undefined && version !== undefined
          ? [await registry.resolveVersion(model, versionOfNumber(version))]
          : (await Promise.all(visible.map((name) => registry.listVersions(name)))).flat()
      const bytes = new Map(
        host.states().map((each) => [keyOf(each.model, each.version), each.bytes]),
      )
      return versions.map(({ model: of, name }) =>
        describe(of, name, counts.get(keyOf(of, name)), bytes.get(keyOf(of, name))),
      )
    },
  }
}

const keyOf = (model: string, version: string): string => `${model}/${version}`

function describe(
  name: string,
  version: string,
  { count, tookMs, lastMs }: Counts = { count: 0, tookMs: 0, lastMs: 0 },
  bytes: number | undefined,
): ModelStatistics {
  return {
    name,
    version,
    last_inference: lastMs,
    inference_count: count,
    execution_count: count,
    inference_stats: { success: { count, ns: Math.round(tookMs * 1e6) } },
    memory_usage: bytes === undefined ? [] : [{ type: 'CPU', id: 0, byte_size: bytes }],
  }
}
