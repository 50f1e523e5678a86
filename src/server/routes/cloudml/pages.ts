/** Lists in pages: `pageSize` and an opaque `pageToken`. */
import { fieldError } from './cloud-error.ts'

const DEFAULT_PAGE_SIZE = 20
/** Larger pages are cut to this, as the service did. */
export const MAX_PAGE_SIZE = 100

export interface PageQuery {
  readonly pageSize?: string
  readonly pageToken?: string
}

export interface Page {
  readonly size: number
  /** Key of the last resource of the page before; undefined for the first page. */
  readonly after: string | undefined
}

/** Throws `request_invalid` for a size that is no count and a token that this server did not give. */
export function parsePage({ pageSize = '0', pageToken }: PageQuery, maxSize = MAX_PAGE_SIZE): Page {
  if (!/^\d{1,9}$/.test(pageSize)) {
    throw fieldError(
      'page_size',
      `Expected a whole number of at least 0, received ${JSON.stringify(pageSize)}`,
    )
  }
  const size = Math.min(Number(pageSize) || DEFAULT_PAGE_SIZE, maxSize)
  return { size, after: pageToken ? decodeToken(pageToken) : undefined }
}

/** Resources in the order of their keys → one page of them under `name`, and the token of the next. */
export function pageOf<Item, Shown>(
  items: readonly Item[],
  page: Page,
  { name, keyOf, show, isNewestFirst = false }: PageForm<Item, Shown>,
): Readonly<Record<string, unknown>> {
  const { size, after } = page
  const isBehind = (key: string, last: string) => (isNewestFirst ? key < last : key > last)
  const rest = after === undefined ? items : items.filter((item) => isBehind(keyOf(item), after))
  const shown = rest.slice(0, size)
  const last = shown.at(-1)
  return {
    ...(shown.length === 0 ? {} : { [name]: shown.map(show) }),
    ...(last === undefined || rest.length <= size
      ? {}
      : { nextPageToken: encodeToken(keyOf(last)) }),
  }
}

interface PageForm<Item, Shown> {
  readonly name: string
  /** Text that orders the items and finds the next one, also when some were deleted meanwhile. */
  readonly keyOf: (item: Item) => string
  readonly show: (item: Item) => Shown
  /** Where the keys go down. */
  readonly isNewestFirst?: boolean
}

const encodeToken = (key: string): string =>
  Buffer.from(JSON.stringify({ after: key })).toString('base64url')

function decodeToken(token: string): string {
  const after = readToken(token)
  if (after !== undefined) return after
  throw fieldError(
    'page_token',
    `Expected the nextPageToken of an answer, received ${JSON.stringify(token)}`,
  )
}

function readToken(token: string): string | undefined {
  try {
    const { after } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { after?: unknown }
    return typeof after === 'string' ? after : undefined
  } catch {
    return undefined
  }
}
