/** Reads the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */

const COMMENT = /^# (?:HELP|TYPE) [a-zA-Z_:][\w:]* /
/** A number, an infinity or no number, which Prometheus reads in any case. */
const SAMPLE = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) ([-+]?(?:\d[\d.e+-]*|Inf)|NaN)$/i

/** Values by series, e.g. `verger_photos_total{result="ok"}`. Throws on a line that is neither a comment nor a sample. */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || COMMENT.test(line)) continue
    const [, series, value] = SAMPLE.exec(line) ?? []
    if (series === undefined) {
      throw new Error(
        `Expected a line of the Prometheus text format, received ${JSON.stringify(line)}`,
      )
    }
    values.set(series, Number(value?.replace(/Inf/i, 'Infinity')))
  }
  return values
}

/** The metrics of a running server. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  return parseMetrics(await (await fetch(`${url}/metrics`)).text())
}
