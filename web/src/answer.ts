/** What the server says to `POST /predict`, read into plain data. */

export const DECISIONS = ['ok', 'unsure', 'unknown'] as const
export type Decision = (typeof DECISIONS)[number]

export interface Score {
  readonly label: string
  /** Between 0 and 1. */
  readonly score: number
}

export interface Prediction {
  readonly decision: Decision
  /** Best first, never empty. */
  readonly top: readonly [Score, ...Score[]]
  readonly answerer: Answerer
}

export interface ModelVersion {
  readonly model: string
  readonly version: string
}

/** Who answered: a version of a model, or a network with its own classes. */
export type Answerer = ModelVersion | { readonly backbone: string }

type JsonObject = Readonly<Record<string, unknown>>

export type Failure =
  /** The server read the request and refused it; its message and hint are for people. */
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly code: string
      readonly message: string
      readonly hint: string
    }
  | {
      readonly kind: 'busy'
      readonly retryAfterSeconds: number | undefined
      readonly message: string
      readonly hint: string
    }
  /** No token was sent, one that does not count, or one that does not allow what was asked. */
  | { readonly kind: 'unauthorized'; readonly token: 'missing' | 'rejected' | 'insufficient' }
  | { readonly kind: 'unreachable' }
  /** The browser can no longer read the file: it was moved, changed, or is a folder. */
  | { readonly kind: 'unreadable' }
  /** An answer outside of the contract. */
  | { readonly kind: 'unexpected'; readonly status: number }

export type Answer =
  | { readonly prediction: Prediction; readonly failure?: never }
  | { readonly failure: Failure; readonly prediction?: never }

/** Reads the body of a good answer; undefined where it is outside of the contract. */
export function readAnswer(body: unknown, status: number): Answer | undefined {
  if (!Array.isArray(body)) return undefined
  const prediction = parsePrediction(body[0])
  if (prediction) return { prediction }
  const failure = parseRefusal(body[0], status)
  return failure && { failure }
}

/** What an answer that is not good means; whatever is outside of the contract is `unexpected`. */
export async function failureOf(response: Response, tokenWasSent: boolean): Promise<Failure> {
  const { status } = response
  const refusal = parseRefusal(await readJson(response), status)
  if (status === 401) {
    return { kind: 'unauthorized', token: tokenWasSent ? 'rejected' : 'missing' }
  }
  if (refusal?.code === 'forbidden') return { kind: 'unauthorized', token: 'insufficient' }
  if (status === 503) {
    const retryAfterSeconds = parseSeconds(response.headers.get('retry-after'))
    const { message, hint } = refusal ?? { message: '', hint: '' }
    return { kind: 'busy', retryAfterSeconds, message, hint }
  }
  return refusal ?? { kind: 'unexpected', status }
}

/** The body as JSON, or undefined where it is something else. */
export async function readJson(response: Response): Promise<unknown> {
  return await response.json().catch((error: unknown) => {
    if (error instanceof SyntaxError) return undefined
    throw error
  })
}

/** `efficientnet-lite0`, or `fruits v1` for a version of a model. */
export function nameOf(answerer: Answerer): string {
  return 'model' in answerer ? `${answerer.model} ${answerer.version}` : answerer.backbone
}

/** True where the same photo may well succeed a moment later. */
export function isWorthRetrying(failure: Failure): boolean {
  if (failure.kind === 'refused') return failure.status >= 500
  return failure.kind === 'unexpected' || failure.kind === 'busy' || failure.kind === 'unreachable'
}

/** True where the next photo would meet the same failure, so that a row of photos waits. */
export function isPausing(failure: Failure): boolean {
  return (
    failure.kind === 'busy' || failure.kind === 'unreachable' || failure.kind === 'unauthorized'
  )
}

function parsePrediction(value: unknown): Prediction | undefined {
  if (!isRecord(value) || !Array.isArray(value.top)) return undefined
  const decision = DECISIONS.find((known) => known === value.decision)
  const [best, ...others] = value.top.filter(isScore)
  const answerer = parseAnswerer(value)
  if (!decision || !best || !answerer) return undefined
  return { decision, top: [best, ...others], answerer }
}

function parseAnswerer({ model, version, backbone }: JsonObject): Answerer | undefined {
  if (isText(model) && isText(version)) return { model, version }
  return isText(backbone) ? { backbone } : undefined
}

function parseRefusal(value: unknown, status: number): (Failure & { kind: 'refused' }) | undefined {
  if (!isRecord(value) || !isRecord(value.error)) return undefined
  const { code, message, hint } = value.error
  if (!isText(code) || !isText(message)) return undefined
  return { kind: 'refused', status, code, message, hint: isText(hint) ? hint : '' }
}

/** `Retry-After` in its form of whole seconds; its form of a date is not sent by Verger. */
function parseSeconds(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined
}

function isScore(value: unknown): value is Score {
  return isRecord(value) && typeof value.label === 'string' && typeof value.score === 'number'
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null
}
