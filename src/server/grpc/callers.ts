/** Who calls a method, told by the token in the metadata before the message is read. */
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import { toVergerError, type VergerError } from '../../core/errors.ts'
import type { Caller, Scope } from '../../registry/scopes.ts'
import { ANYBODY, type Authenticator, bearerOf, requireAllowed } from '../authenticator.ts'

/** What a token must allow for a method; one that is not here answers everybody. */
const METHOD_SCOPES: Readonly<Record<string, Scope>> = {
  ModelReady: 'read',
  ServerMetadata: 'read',
  ModelMetadata: 'read',
  ModelInfer: 'predict',
  ModelStreamInfer: 'predict',
  ModelConfig: 'read',
  ModelStatistics: 'read',
  RepositoryIndex: 'read',
  RepositoryModelLoad: 'manage',
  RepositoryModelUnload: 'manage',
}

export const scopeOf = (path: string): Scope | undefined =>
  METHOD_SCOPES[path.split('/').at(-1) ?? '']

/** `127.0.0.1` of `127.0.0.1:50512`. */
export const addressOf = (call: Pick<ServerInterceptingCallInterface, 'getPeer'>): string =>
  call.getPeer().replace(/:\d+$/, '')

/** Callers by the metadata that they sent. */
const callers = new WeakMap<Metadata, Caller>()

/** Gives the caller to the method, or `refuse` the reason why there is none, which ends the call. */
export const identifyCallers =
  (
    authenticator: Authenticator,
    refuse: (
      error: VergerError,
      path: string,
      metadata: Metadata,
      call: ServerInterceptingCallInterface,
    ) => void,
  ): ServerInterceptor =>
  ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, receive) {
            const scope = scopeOf(path)
            const letIn = (caller: Caller) => {
              callers.set(metadata, caller)
              receive(metadata)
            }
            if (scope === undefined) {
              letIn(ANYBODY)
              return
            }
            const [header] = metadata.get('authorization')
            const token = header === undefined ? undefined : bearerOf(String(header))
            // The model is known once the message is.
            authenticator
              .authenticate(token, { scope, isFiltered: true }, addressOf(call))
              .then(letIn, (error: unknown) => refuse(toVergerError(error), path, metadata, call))
          },
        }),
    })

/** Who sent a message. Throws `forbidden` where the token is for other models than the one that it names. */
export function callerOf(metadata: Metadata, path: string, message: object): Caller {
  const caller = callers.get(metadata) ?? { name: 'nobody', scopes: [] }
  const scope = scopeOf(path)
  if (scope === undefined) return caller
  requireAllowed(caller, { scope, model: modelOf(message), isFiltered: true })
  return caller
}

/** The model that a message names, whatever the field is called. */
export function modelOf(message: object): string | undefined {
  const { modelName, name } = message as { readonly modelName?: string; readonly name?: string }
  return modelName || name || undefined
}
