/** CloudML and Cloud Storage by plain requests, without a client of theirs. */
import { expect } from 'vitest'

export interface CloudAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any
}

/** Sends a request to `/v1/projects/p/…`; a body is sent as JSON. */
export async function cloud(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<CloudAnswer> {
  return send(`${url}/v1/projects/p${path}`, method, body, headers)
}

export async function send(
  url: string,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<CloudAnswer> {
  const isJson = body !== undefined && typeof body !== 'string'
  const response = await fetch(url, {
    method,
    headers: { ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
  })
  const text = await response.text()
  const isParsed = response.headers.get('content-type')?.includes('json') === true
  return {
    status: response.status,
    headers: response.headers,
    body: isParsed ? JSON.parse(text) : text,
  }
}

/** Puts files below `gs://staging/<folder>/` of the server itself. */
export async function stage(
  url: string,
  folder: string,
  files: Iterable<readonly [name: string, bytes: Uint8Array]>,
): Promise<string> {
  for (const [name, bytes] of files) {
    const object = encodeURIComponent(`${folder}/${name}`)
    const response = await fetch(
      `${url}/upload/storage/v1/b/staging/o?uploadType=media&name=${object}`,
      { method: 'POST', body: bytes as Uint8Array<ArrayBuffer> },
    )
    expect(response.status, await response.text()).toBe(200)
  }
  return `gs://staging/${folder}/`
}

/** Asks until an operation is done; gives it. */
export async function waitForOperation(url: string, name: string, timeoutMs = 30_000) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const { body } = await send(`${url}/v1/${name}`, 'GET')
    if (body.done === true || performance.now() > deadline) return body
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
