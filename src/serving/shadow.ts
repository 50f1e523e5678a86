/**
 * The comparison of a version with the one that answered: its head on the same features, after the answer was given.
 *
 * Only a version on the same backbone and views is compared: another one would compute every photo twice, and who waits
 * would pay for it. Such a version can be tried as a canary.
 */
import type { EventEmitter } from 'node:events'
import type { Classification, Classifier } from '../bundles/classifier.ts'
import { bestIndex } from '../learn/softmax.ts'
import type { Answerer } from './answer.ts'
import type { HostEvents } from './host-events.ts'
import type { HostLog } from './host-log.ts'
import type { LoadedVersion, LoadedVersions } from './loaded-versions.ts'
import type { OfferedVersion } from './version-source.ts'

interface ShadowContext {
  readonly loaded: LoadedVersions
  readonly log: HostLog
  readonly events: EventEmitter<HostEvents>
}

interface Answered extends Pick<LoadedVersion, 'classifier' | 'featuresId'> {
  readonly answerer: Answerer
  readonly features: Float32Array
  readonly classification: Classification
}

/** Compares once nothing else is to be done; a shadow that cannot be loaded is said in the log and costs nobody. */
export function compareWithShadow(
  shadow: OfferedVersion,
  { answerer, classifier, featuresId, features, classification }: Answered,
  { loaded, log, events }: ShadowContext,
): void {
  if (!('model' in shadow.answerer) || !('model' in answerer)) return
  const silent = shadow.answerer
  const { model, version } = answerer
  const ready = loaded.peek(shadow)
  if (ready === undefined) {
    loaded.load(shadow).catch((error: unknown) => {
      log.error({ err: error, ...silent }, 'the shadow cannot be compared here')
    })
    return
  }
  if (ready.featuresId !== featuresId) return
  setImmediate(() => {
    const said = verdictOf(ready.classifier, ready.classifier.classify(features))
    const agrees = said === verdictOf(classifier, classification)
    events.emit('compared', { model, version, shadow: silent.version, agrees })
  })
}

/** The best label where the classifier dares to say it, else its doubt. */
function verdictOf({ labels }: Classifier, { decision, probabilities }: Classification): string {
  return decision === 'ok' ? `ok ${labels[bestIndex(probabilities)]}` : decision
}
