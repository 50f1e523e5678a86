/** `grpc.health.v1.Health`, which load balancers and orchestrators ask. */
import type { handleServerStreamingCall } from '@grpc/grpc-js'
import { VergerError } from '../../core/errors.ts'
import { decode, type Received } from './define-service.ts'
import type { HealthCheckRequest } from './generated/health_pb.ts'
import { GRPCInferenceService } from './generated/inference_pb.ts'

/** Numbers of ServingStatus. */
const SERVING = 1
const NOT_SERVING = 2
const SERVICE_UNKNOWN = 3

export interface Readiness {
  isReady(): boolean
  /** Whether the server takes no new calls. */
  isClosing(): boolean
  /** Calls back when either changes. Gives what ends that. */
  watch(onChange: () => void): () => void
}

/** The whole server has no name. */
const isKnown = (service: string): boolean =>
  service === '' || service === GRPCInferenceService.typeName

/** Throws for a service that there is not: the protocol wants NOT_FOUND. */
export function checkHealth({ service }: HealthCheckRequest, readiness: Readiness) {
  if (isKnown(service)) return { status: readiness.isReady() ? SERVING : NOT_SERVING }
  throw new VergerError(
    'model_unknown',
    `Expected no service or ${GRPCInferenceService.typeName}, received ${JSON.stringify(service)}`,
  )
}

/** Tells the status now and whenever it changes, until the server closes. */
export const watchHealth =
  (readiness: Readiness): handleServerStreamingCall<Received, unknown> =>
  (call) => {
    const { service } = decode(call.request) as HealthCheckRequest
    let last: number | undefined
    const tell = () => {
      const now = !isKnown(service) ? SERVICE_UNKNOWN : readiness.isReady() ? SERVING : NOT_SERVING
      if (now !== last) call.write({ status: now })
      last = now
      if (readiness.isClosing()) call.end()
    }
    const forget = readiness.watch(tell)
    call.on('cancelled', forget)
    call.on('close', forget)
    tell()
  }
