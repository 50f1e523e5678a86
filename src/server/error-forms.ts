/** How errors look in the protocols of others; what no protocol claims has the form of Verger. */
import type { FastifyInstance } from 'fastify'
import type { VergerError } from '../core/errors.ts'

export interface FormattedError {
  /** Where the protocol has another status for this error than the catalogue. */
  readonly status?: number
  readonly body: unknown
}

export type FormatError = (error: VergerError, status: number) => FormattedError

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Form of the errors of one route; what lies below the prefix of a protocol has the form of the protocol. */
    formatError?: FormatError
  }
  interface FastifyInstance {
    /** Prefix of a protocol's paths, in lower case → form of its errors. */
    readonly errorForms: Map<string, FormatError>
  }
}

/** Gives every error below `prefix` one form: those of its routes, of paths that it has not, and of broken requests. */
export function formatErrorsBelow(app: FastifyInstance, prefix: string, format: FormatError): void {
  app.errorForms.set(prefix.toLowerCase(), format)
}

/** The form of the longest prefix that `url` lies below; `/v2` has `/v2/health` below it and not `/v20`. */
export function errorFormOf(app: FastifyInstance, url: string): FormatError | undefined {
  const path = url.toLowerCase()
  let longest = ''
  for (const prefix of app.errorForms.keys()) {
    const isBelow = path.startsWith(prefix) && !/[\w-]/.test(path.charAt(prefix.length))
    if (isBelow && prefix.length > longest.length) longest = prefix
  }
  return app.errorForms.get(longest)
}
