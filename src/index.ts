/** The public library API of Verger. */

export type { Classifier, Decision } from './bundles/classifier.ts'
export { type BundleFiles, readBundleFolder } from './bundles/verify-bundle.ts'
export { type Config, type Limits, readConfig } from './core/config.ts'
export {
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorDescription,
  VergerError,
} from './core/errors.ts'
export type { Photo } from './features/featurizer.ts'
export type { Pixels } from './images/decode.ts'
export { createHandler, type Handler } from './server/handler.ts'
export { type ListenOptions, listen, type RunningServer } from './server/listen.ts'
export type {
  Answer,
  Answerer,
  AnswerRequest,
  FailedPrediction,
  Prediction,
  PredictRequest,
  Score,
} from './serving/answer.ts'
export type { Answering } from './serving/answering.ts'
export type {
  AnsweredPhoto,
  AnswerRole,
  DefaultSwitch,
  HostEvents,
  ShadowComparison,
  VersionLoad,
} from './serving/host-events.ts'
export {
  openServingHost as openPredictor,
  type ServedDescription,
  type ServingHost as Predictor,
  type ServingHostOptions as PredictorOptions,
  type VersionState,
} from './serving/serving-host.ts'
export {
  bundleVersion,
  type Offer,
  type OfferedVersion,
  type VersionSource,
} from './serving/version-source.ts'
