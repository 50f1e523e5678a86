import type { SpanContext, TraceState } from '@opentelemetry/api'

/** Version, trace, parent and flags; a later version may have more behind them. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/**
 * Reads the headers by which a caller names its span (https://www.w3.org/TR/trace-context/). Undefined where there are none
 * or where they are wrong: then the trace begins here.
 */
export function parseTraceparent(
  traceparent: string | undefined,
  tracestate?: string,
): SpanContext | undefined {
  const [, version = '', traceId = '', spanId = '', flags = '', more] =
    TRACEPARENT.exec(traceparent?.trim() ?? '') ?? []
  if (version === '' || version === 'ff' || (version === '00' && more !== undefined))
    return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: passedOn(tracestate) }),
  }
}

/** The state of other vendors, which is theirs to read and ours to keep. */
function passedOn(text: string): TraceState {
  const state: TraceState = {
    set: () => state,
    unset: () => state,
    get: () => undefined,
    serialize: () => text,
  }
  return state
}
