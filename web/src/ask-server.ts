import { readAccessToken } from './access-token.ts'
import { type Failure, failureOf } from './answer.ts'

export type Outcome<Result> =
  | { readonly result: Result; readonly failure?: never }
  | { readonly failure: Failure; readonly result?: never }

/**
 * Sends a request to this page's own server, with the token of this tab, and reads its answer; what `read` does not
 * understand is an `unexpected` failure. Rejects only when the signal of the request is aborted.
 */
export async function askServer<Result>(
  url: string,
  init: RequestInit,
  read: (response: Response) => Promise<Result | undefined>,
): Promise<Outcome<Result>> {
  const token = readAccessToken()
  const headers = new Headers(init.headers ?? {})
  if (token) headers.set('authorization', `Bearer ${token}`)
  try {
    const response = await fetch(url, { ...init, headers })
    if (!response.ok) return { failure: await failureOf(response, token !== undefined) }
    const result = await read(response)
    return result === undefined
      ? { failure: { kind: 'unexpected', status: response.status } }
      : { result }
  } catch (error) {
    if (init.signal?.aborted) throw error
    return { failure: { kind: 'unreachable' } }
  }
}
