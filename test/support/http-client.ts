/** Requests to a server under test and what they must be answered with. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { expect } from 'vitest'
import type { ErrorCode, ErrorDescription } from '../../src/core/errors.ts'
import { ERROR_CATALOGUE } from '../../src/core/errors.ts'
import type { FailedPrediction, Prediction } from '../../src/serving/answer.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface PredictOptions {
  /** Content type of the body; multipart forms bring their own. */
  readonly type?: string
  /** Query string without `?`. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends one `POST /predict` over the pool of `fetch`. */
export async function predict(
  url: string,
  body: Uint8Array<ArrayBuffer> | string | FormData | null,
  { type, query, headers = {} }: PredictOptions = {},
): Promise<Answer> {
  const response = await fetch(`${url}/predict${query === undefined ? '' : `?${query}`}`, {
    method: 'POST',
    headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
    body,
  })
  return readAnswer(response)
}

export async function get(url: string, headers: Readonly<Record<string, string>> = {}) {
  return readAnswer(await fetch(url, { headers }))
}

export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response
  return { status, headers: Object.fromEntries(headers), text: await response.text() }
}

/** Sends one photo over a connection of its own, which is closed after the answer. */
export function predictAlone(port: number, photo: Buffer, type = 'image/jpeg'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': photo.length }
    const options = { port, host: '127.0.0.1', path: '/predict', method: 'POST', headers }
    const sent = request({ ...options, agent: new Agent({ keepAlive: false }) }, (response) => {
      const { statusCode: status = 0, headers } = response
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status, headers, text }))
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(photo)
  })
}

/** One file part per photo, in the order given. */
export function formOf(
  photos: readonly (readonly [name: string, bytes: Uint8Array<ArrayBuffer>])[],
) {
  const form = new FormData()
  for (const [name, bytes] of photos) form.append('photo', new Blob([bytes]), name)
  return form
}

/** The predictions of an answer, whose status must be 200. */
export function predictionsOf(answer: Pick<Answer, 'status' | 'text'>) {
  expect(answer, answer.text).toMatchObject({ status: 200 })
  return JSON.parse(answer.text) as (Partial<Prediction> & Partial<FailedPrediction>)[]
}

/** Expects an error of the catalogue with the status of its code and a message that matches. */
export function expectError(
  answer: { readonly status: number; readonly text: string },
  code: ErrorCode,
  message: RegExp,
): ErrorDescription {
  const { error } = JSON.parse(answer.text) as { error: ErrorDescription }
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(answer.status).toBe(ERROR_CATALOGUE[code].status)
  return error
}
