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
  /** Who answered: `efficientnet-lite0`, or `fruits v1` for a version of a model. */
  readonly answeredBy: string
}

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
  | { readonly kind: 'unauthorized'; readonly tokenWasSent: boolean }
  | { readonly kind: 'unreachable' }
  /** The browser can no longer read the file: it was moved, changed, or is a folder. */
  | { readonly kind: 'unreadable' }
  /** An answer outside of the contract. */
  | { readonly kind: 'unexpected'; readonly status: number }

export type Answer =
  | { readonly prediction: Prediction; readonly failure?: never }
  | { readonly failure: Failure; readonly prediction?: never }

/** Reads a whole HTTP answer; whatever is outside of the contract becomes an `unexpected` failure. */
export async function readAnswer(response: Response, tokenWasSent: boolean): Promise<Answer> {
  const body: unknown = await response.json().catch((error: unknown) => {
    if (error instanceof SyntaxError) return undefined
    throw error
  })
  if (response.ok && Array.isArray(body)) {
    const prediction = parsePrediction(body[0])
    if (prediction) return { prediction }
    return {
      failure: parseRefusal(body[0], response.status) ?? {
        kind: 'unexpected',
        status: response.status,
      },
    }
  }
  const refusal = parseRefusal(body, response.status)
  if (response.status === 401) return { failure: { kind: 'unauthorized', tokenWasSent } }
  if (response.status === 503) {
    const retryAfterSeconds = parseSeconds(response.headers.get('retry-after'))
    const { message, hint } = refusal ?? { message: '', hint: '' }
    return { failure: { kind: 'busy', retryAfterSeconds, message, hint } }
  }
  return { failure: refusal ?? { kind: 'unexpected', status: response.status } }
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
  const answeredBy = [value.model ?? value.backbone, value.version].filter(isText).join(' ')
  if (!decision || !best || !answeredBy) return undefined
  return { decision, top: [best, ...others], answeredBy }
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

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
