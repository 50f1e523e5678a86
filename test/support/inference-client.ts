/** A gRPC client of a server under test, made of the messages that Verger's own are made of. */
import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js'
import { defineService } from '../../dist/server/grpc/define-service.js'
import { Health } from '../../dist/server/grpc/generated/health_pb.js'
import { GRPCInferenceService } from '../../dist/server/grpc/generated/inference_pb.js'

type Methods = (typeof GRPCInferenceService)['method']
type Unary = Exclude<keyof Methods, 'modelStreamInfer'>
export type InferInit = MessageInitShape<Methods['modelInfer']['input']>
export type InferAnswer = MessageShape<Methods['modelInfer']['output']>
export type StreamAnswer = MessageShape<Methods['modelStreamInfer']['output']>

export interface InferenceClient {
  readonly client: Client
  /** Rejects with a ServiceError. */
  call<Name extends Unary>(
    name: Name,
    request: MessageInitShape<Methods[Name]['input']>,
    options?: CallOptions & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<MessageShape<Methods[Name]['output']>>
  stream(headers?: Readonly<Record<string, string>>): ClientDuplexStream<InferInit, StreamAnswer>
  check(service: string): Promise<number>
  watch(service: string): AsyncIterable<{ readonly status: number }>
  close(): void
}

type Method = (...given: unknown[]) => unknown

export function openInferenceClient(
  port: number | undefined,
  channel = credentials.createInsecure(),
): InferenceClient {
  const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }
  const address = `localhost:${port}`
  const open = (service: typeof GRPCInferenceService | typeof Health) => {
    const Service = makeGenericClientConstructor(defineService(service.method), service.typeName)
    return new Service(address, channel, options)
  }
  const client = open(GRPCInferenceService)
  const health = open(Health)
  const send = (of: typeof client, name: string, request: unknown, metadata: Metadata, rest = {}) =>
    new Promise<unknown>((resolve, reject) => {
      const method = (of[name] as Method).bind(of)
      method(request, metadata, rest, (error: ServiceError | null, answer: unknown) =>
        error === null ? resolve(answer) : reject(error),
      )
    })
  return {
    client,
    call: ((
      name: Unary,
      request: unknown,
      { headers = {}, ...rest }: CallOptions & { headers?: Record<string, string> } = {},
    ) => send(client, name, request, metadataOf(headers), rest)) as InferenceClient['call'],
    stream: (headers = {}) =>
      (client['modelStreamInfer'] as Method).call(client, metadataOf(headers)) as ReturnType<
        InferenceClient['stream']
      >,
    check: async (service) =>
      ((await send(health, 'check', { service }, new Metadata())) as { status: number }).status,
    watch: (service) =>
      (health['watch'] as Method).call(health, { service }) as AsyncIterable<{ status: number }>,
    close() {
      client.close()
      health.close()
    },
  }
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}
