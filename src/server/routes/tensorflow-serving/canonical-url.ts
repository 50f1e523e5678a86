/** Words of a path by their place: `/v1/models/M/versions/V/metadata`. Names are between them. */
const WORDS: readonly number[] = [1, 2, 4, 6]

/** TensorFlow Serving takes the words of its paths in any case; names keep theirs. Other URLs stay as they are. */
export function canonicalUrl(url: string): string {
  if (!/^\/v1\/models(?![\w-])/i.test(url)) return url
  const end = url.indexOf('?') < 0 ? url.length : url.indexOf('?')
  const segments = url
    .slice(0, end)
    .split('/')
    .map((segment, place) =>
      WORDS.includes(place)
        ? segment.toLowerCase()
        : segment.replace(/:\w+$/, (verb) => verb.toLowerCase()),
    )
  return segments.join('/') + url.slice(end)
}
