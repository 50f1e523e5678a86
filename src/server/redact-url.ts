import { TOKEN_PARAMETERS } from './authentication.ts'

/** A URL as it may be logged, counted and traced: without the tokens that clients send in its query. */
export function redactUrl(url: string): string {
  const start = url.indexOf('?')
  if (start < 0) return url
  const pairs = url.slice(start + 1).split('&')
  return `${url.slice(0, start)}?${pairs.map(redactPair).join('&')}`
}

function redactPair(pair: string): string {
  const [name = ''] = pair.split('=', 1)
  const isToken = [...new URLSearchParams(pair).keys()].some((key) =>
    TOKEN_PARAMETERS.includes(key),
  )
  return isToken ? `${name}=…` : pair
}
