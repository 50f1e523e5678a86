/** A client of a Verger server: every route of its own API with the types of its document, and photos as they come. */
import createFetchClient, { type Client, type FetchResponse } from 'openapi-fetch'
import type { components, paths } from './openapi.ts'

export interface ClientOptions {
  /** Address of the server, e.g. `http://127.0.0.1:4400`. */
  readonly server: string
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string | undefined
  /** In place of the global one, e.g. with a proxy or with other certificates. */
  readonly fetch?: (request: Request) => Promise<Response>
}

export interface PredictOptions {
  /** Model that answers; without one the network of the server answers with its own classes. */
  readonly model?: string | undefined
  /** Version of the model; without one its default answers. */
  readonly version?: string | undefined
  /** Labels in the answer. */
  readonly top?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The encoded bytes of a photo: JPEG, PNG, WebP, GIF or TIFF. */
export type PhotoBytes = Blob | Uint8Array<ArrayBuffer>

export type Model = components['schemas']['Model']
export type Version = components['schemas']['Version']
export type VersionDetails = components['schemas']['VersionDetails']
export type DefaultChange = components['schemas']['DefaultChange']
export type Prediction = components['schemas']['Prediction']
export type Operation = components['schemas']['Operation']
export type ErrorDescription = components['schemas']['Error']

type PredictQuery = NonNullable<paths['/predict']['post']['parameters']['query']>
type PredictResponse = FetchResponse<paths['/predict']['post'], object, `${string}/${string}`>

/** `GET('/api/models')` and so on give `{ data }` or `{ error }`, and reject only where nobody answers. */
export interface VergerClient extends Client<paths> {
  /** Sends one photo; the answer has one prediction. */
  predict(photo: PhotoBytes, options?: PredictOptions): Promise<PredictResponse>
}

export function createClient({ server, token, fetch }: ClientOptions): VergerClient {
  const client = createFetchClient<paths>({
    baseUrl: server,
    ...(fetch === undefined ? {} : { fetch }),
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  })
  return {
    ...client,
    predict: (photo, { signal, ...query } = {}) =>
      client.POST('/predict', {
        params: { query: query as PredictQuery },
        // The types describe bytes as anything; they are sent as they are.
        body: photo as never,
        bodySerializer: (body) => body,
        headers: { 'content-type': 'application/octet-stream' },
        ...(signal === undefined ? {} : { signal }),
      }) as Promise<PredictResponse>,
  }
}
