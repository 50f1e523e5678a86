/** A service as its proto describes it → what the gRPC server listens to. */
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { VergerError } from '../../core/errors.ts'

/** Methods of a generated service by their names. */
type Methods = Readonly<Record<string, DescMethod>>

/** A request → its answer. */
type Answer<Method extends DescMethod, Context> = (
  request: MessageShape<Method['input']>,
  context: Context,
) => Promise<MessageInitShape<Method['output']>> | MessageInitShape<Method['output']>

/** An answer for each method that takes one request and gives one answer. */
export type Answers<Service extends Methods, Context> = {
  readonly [Name in keyof Service as Service[Name]['methodKind'] extends 'unary'
    ? Name
    : never]: Answer<Service[Name], Context>
}

/** A message as it came. */
export interface Received {
  readonly schema: DescMessage
  readonly bytes: Uint8Array
}

export function defineService(methods: Methods): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [name, defineMethod(method)]),
  )
}

function defineMethod(method: DescMethod): MethodDefinition<unknown, unknown> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind !== 'unary',
    requestSerialize: (message) => encode(method.input, message),
    // Read when the call is answered, so that a message that is none is told as any other fault.
    requestDeserialize: (bytes): Received => ({ schema: method.input, bytes }),
    responseSerialize: (message) => encode(method.output, message),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  }
}

/** What the handlers give may leave fields out. */
const encode = (schema: DescMessage, message: unknown): Buffer =>
  Buffer.from(toBinary(schema, create(schema, message as MessageInitShape<DescMessage>)))

/** Throws `request_invalid`. */
export function decode({ schema, bytes }: Received): object {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new VergerError('request_invalid', `Expected a ${schema.typeName}: ${reason}`, {
      cause: error,
    })
  }
}
