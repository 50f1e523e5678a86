/** Reads the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */

const COMMENT = /^# (?:HELP|TYPE) [a-zA-Z_:][\w:]* /
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/

/** Values by series, e.g. `verger_photos_total{result="ok"}`. Throws on a line that is neither a comment nor a sample. */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || COMMENT.test(line)) continue
    const [, name, labels, value] = SAMPLE.exec(line) ?? []
    if (name === undefined || Number.isNaN(Number(value?.replace('Inf', 'Infinity')))) {
      throw new Error(
        `Expected a line of the Prometheus text format, received ${JSON.stringify(line)}`,
      )
    }
    values.set(labels === undefined ? name : `${name}{${labels}}`, Number(value))
  }
  return values
}

/** The metrics of a running server. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  return parseMetrics(await (await fetch(`${url}/metrics`)).text())
}
