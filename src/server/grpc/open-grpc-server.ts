/** The Open Inference Protocol over gRPC: another port beside that of HTTP, on the same host and registry. */
import { isIP } from 'node:net'
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { VergerError } from '../../core/errors.ts'
import type { OwnHolding } from '../admission.ts'
import { createInferenceService } from '../open-inference/service.ts'
import type { InferenceStatistics } from '../open-inference/statistics.ts'
import type { RouteOptions } from '../route-options.ts'
import type { TlsFiles } from '../tls-files.ts'
import { createAnswering } from './answer-calls.ts'
import { identifyCallers } from './callers.ts'
import { defineService } from './define-service.ts'
import { Health, type HealthCheckRequest } from './generated/health_pb.ts'
import { GRPCInferenceService } from './generated/inference_pb.ts'
import { checkHealth, type Readiness, watchHealth } from './health-service.ts'
import { createInferenceAnswers } from './inference-service.ts'
import { streamInfer } from './stream-infer.ts'
import { TlsCredentials } from './tls-credentials.ts'

export interface GrpcOptions {
  readonly options: RouteOptions
  readonly statistics: InferenceStatistics
  /** Takes a share of the bytes that may be held at once. */
  readonly hold: () => OwnHolding
  /** Resolves once every worker has loaded the network. */
  readonly warming: Promise<void>
  readonly logger: Logger
  readonly tls: TlsFiles | undefined
  readonly host: string
  readonly port: number
}

export interface GrpcServer {
  readonly port: number
  /** Takes no new calls, answers those that are here, ends streams. */
  close(): Promise<void>
}

/** Throws `address_in_use` or `address_unusable`. */
export async function openGrpcServer(given: GrpcOptions): Promise<GrpcServer> {
  const { options, statistics, hold, warming, logger, host } = given
  const { limits } = options.config
  // What goes wrong is told by errors; the library would print it too.
  setLogVerbosity(logVerbosity.NONE)
  const service = createInferenceService(options)
  const answering = createAnswering(options, hold, logger)
  const closing = new AbortController()
  const readiness = watchReadiness(warming, closing.signal)
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytes,
    'grpc.max_send_message_length': -1,
    interceptors: [identifyCallers(options.authenticator, answering.refuse)],
  })
  const { isReady } = readiness
  const answers = Object.entries(createInferenceAnswers({ service, statistics, isReady })).map(
    ([name, answer]) =>
      // A message has the schema of its method.
      [name, answering.unary((message, context) => answer(message as never, context))] as const,
  )
  server.addService(defineService(GRPCInferenceService.method), {
    ...Object.fromEntries(answers),
    modelStreamInfer: streamInfer(answering, service, closing.signal),
  })
  server.addService(defineService(Health.method), {
    check: answering.unary((message) => checkHealth(message as HealthCheckRequest, readiness)),
    watch: watchHealth(readiness),
  })
  const port = await bind(server, given)
  logger.info(`gRPC listening at ${host}:${port}`)
  return {
    port,
    async close() {
      closing.abort(new VergerError('server_closing', 'The server is shutting down'))
      const timer = setTimeout(() => server.forceShutdown(), limits.deadlineMs)
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
      clearTimeout(timer)
    },
  }
}

function watchReadiness(warming: Promise<void>, closing: AbortSignal): Readiness {
  const listeners = new Set<() => void>()
  let isWarm = false
  const tell = () => {
    for (const listener of listeners) listener()
  }
  closing.addEventListener('abort', tell)
  warming.then(
    () => {
      isWarm = true
      tell()
    },
    () => {},
  )
  return {
    isReady: () => isWarm && !closing.aborted,
    isClosing: () => closing.aborted,
    watch(onChange) {
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
  }
}

function bind(server: Server, { host, port, tls }: GrpcOptions): Promise<number> {
  const address = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const credentials =
    tls === undefined ? ServerCredentials.createInsecure() : new TlsCredentials(tls)
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) {
        resolve(bound)
        return
      }
      const isInUse = error.message.includes('EADDRINUSE')
      reject(
        new VergerError(
          isInUse ? 'address_in_use' : 'address_unusable',
          isInUse
            ? `Expected ${address} to be free for gRPC, another process listens there`
            : `Expected to listen for gRPC on ${address}, received ${error.message}`,
          {
            hint: 'Choose another port: verger up --grpc-port 0 takes any free one.',
            cause: error,
          },
        ),
      )
    })
  })
}
