/** Who may ask the storage calls, and what the audit log calls them. */
import type { FastifyRequest } from 'fastify'

/** Uploading is part of deploying; a token that is for some models may do it, and sees nobody's files. */
export const MAY_UPLOAD = { scope: 'manage', isFiltered: true, isStreamed: true } as const
export const MAY_MANAGE = { scope: 'manage' } as const
export const hide = { schema: { hide: true } } as const

/** `gs://bucket/name`, as far as the path and the query tell. */
export function objectUri({ params, query }: FastifyRequest): string {
  const { bucket, '*': object } = params as { readonly bucket: string; readonly '*'?: string }
  const { name = object } = query as { readonly name?: string }
  return name === undefined ? `gs://${bucket}` : `gs://${bucket}/${name}`
}
