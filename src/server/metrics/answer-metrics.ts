/** What each version answers: how fast, how sure, which labels, and how far its photos are from those of training. */
import type { EventEmitter } from 'node:events'
import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client'
import { FeatureDrift } from '../../learn/feature-drift.ts'
import { bestIndex } from '../../learn/softmax.ts'
import type { AnsweredPhoto, HostEvents } from '../../serving/host-events.ts'
import { DURATION_BUCKETS } from '../metrics.ts'

/** Labels of a version that have a series of their own, the first that it answers; the others count as `OTHER`. */
const LABELS_PER_VERSION = 50
const OTHER = '(other)'
/** Versions that have series; beyond, the one that has not answered for longest gives its own up. */
const VERSIONS = 200

const SCORE_BUCKETS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1]
/** Around 1, which is what training photos have on average. */
const SPREAD_BUCKETS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 5, 10]

/** Who answered, as labels; both are empty where a bare backbone did, which to Prometheus is no label. */
interface Of {
  readonly model: string
  readonly version: string
}

interface Followed {
  readonly of: Of
  readonly bundle: string | undefined
  readonly labels: Set<string>
  readonly decisions: Set<string>
  readonly drift: FeatureDrift | undefined
}

export function recordAnswers(registry: Registry, events: EventEmitter<HostEvents>): void {
  const registers = [registry]
  const labelNames = ['model', 'version'] as const
  const durations = new Histogram({
    name: 'verger_answer_duration_seconds',
    help: 'Time from a photo to its answer, waiting included.',
    labelNames,
    buckets: DURATION_BUCKETS,
    registers,
  })
  const decisions = new Counter({
    name: 'verger_answers_total',
    help: 'Answers by what they dared to say: ok, unsure, or unknown, which rejects the photo.',
    labelNames: [...labelNames, 'decision'],
    registers,
  })
  const byLabel = new Counter({
    name: 'verger_answers_by_label_total',
    help: `Answers by their best label: ${LABELS_PER_VERSION} labels for each version, and ${OTHER} for the rest.`,
    labelNames: [...labelNames, 'label'],
    registers,
  })
  const scores = new Histogram({
    name: 'verger_answer_score',
    help: 'Score of the best label.',
    labelNames,
    buckets: SCORE_BUCKETS,
    registers,
  })
  const spreads = new Histogram({
    name: 'verger_feature_spread',
    help: 'Squared distance of photos from the centre of the training photos; theirs is 1 on average.',
    labelNames,
    buckets: SPREAD_BUCKETS,
    registers,
  })
  const shifts = new Gauge({
    name: 'verger_feature_shift',
    help: 'How far the mean of recent photos is from that of the training photos; 0 is not at all, 1 as far as a photo.',
    labelNames,
    registers,
    collect() {
      for (const { of, drift } of followed.values()) if (drift) this.set({ ...of }, drift.shift)
    },
  })
  const ofVersion: readonly Metric<keyof Of>[] = [durations, scores, spreads, shifts]
  /** The one that answered last is last. */
  const followed = new Map<string, Followed>()

  function follow({ answer: { answerer }, classifier }: AnsweredPhoto): Followed {
    const { model, version } = 'version' in answerer ? answerer : { model: '', version: '' }
    const key = `${model}/${version}`
    let known = followed.get(key)
    followed.delete(key)
    // A name may have been deleted and given to another bundle.
    if (known?.bundle !== classifier?.id || known === undefined) {
      const rejection = classifier?.rejection
      known = {
        of: { model, version },
        bundle: classifier?.id,
        labels: new Set(),
        decisions: new Set(),
        drift: rejection && new FeatureDrift(rejection),
      }
    }
    followed.set(key, known)
    const [oldest] = followed.keys()
    if (followed.size > VERSIONS && oldest !== undefined) forget(oldest)
    return known
  }

  function forget(key: string): void {
    const known = followed.get(key)
    followed.delete(key)
    if (known === undefined) return
    for (const metric of ofVersion) (metric as Gauge<keyof Of>).remove({ ...known.of })
    for (const label of known.labels) byLabel.remove({ ...known.of, label })
    for (const decision of known.decisions) decisions.remove({ ...known.of, decision })
  }

  events.on('answered', (answered) => {
    const { answer, classification, tookMs } = answered
    const { of, labels, decisions: said, drift } = follow(answered)
    const { decision } = answer
    const best = bestIndex(answer.scores)
    const label = answer.labels[best] ?? OTHER
    const shown = labels.has(label) || labels.size < LABELS_PER_VERSION ? label : OTHER
    labels.add(shown)
    said.add(decision)
    durations.observe({ ...of }, tookMs / 1000)
    decisions.inc({ ...of, decision })
    byLabel.inc({ ...of, label: shown })
    scores.observe({ ...of }, answer.scores[best] ?? 0)
    const z = classification?.place?.z
    if (z !== undefined && drift !== undefined) spreads.observe({ ...of }, drift.add(z))
  })
}
