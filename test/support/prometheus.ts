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

/** Units that have a larger or smaller sister, which Prometheus wants instead: https://prometheus.io/docs/practices/naming/. */
const WRONG_UNIT = /_(?:milliseconds|ms|minutes|hours|kilobytes|megabytes|mb|percent)(?:_|$)/
const TYPES = ['counter', 'gauge', 'histogram', 'summary']

/** What `promtool check metrics` would object to, and series that have no description. */
export function lintMetrics(text: string): string[] {
  const faults: string[] = []
  const types = new Map<string, string>()
  const described = new Set<string>()
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (described.has(name)) faults.push(`${name} is described twice`)
      described.add(name)
      if (rest === '') faults.push(`${name} has an empty description`)
    }
    if (kind === 'TYPE') {
      types.set(name, rest)
      if (!TYPES.includes(rest)) faults.push(`${name} is of no known type: ${rest}`)
      if (rest === 'counter' && !name.endsWith('_total')) faults.push(`${name} lacks _total`)
      if (rest !== 'counter' && name.endsWith('_total')) faults.push(`${name} is no counter`)
      if (/_(?:count|sum|bucket)$/.test(name)) faults.push(`${name} ends as a histogram's series`)
      if (WRONG_UNIT.test(name)) faults.push(`${name} is not in a base unit`)
      if (!/^[a-z][a-z0-9_]*$/.test(name)) faults.push(`${name} is not in snake case`)
    }
  }
  const seen = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const series = line.slice(0, line.lastIndexOf(' '))
    if (seen.has(series)) faults.push(`${series} is there twice`)
    seen.add(series)
    const [name = ''] = series.split('{')
    const family = name.replace(/_(?:bucket|sum|count)$/, '')
    const known = [name, family].find((each) => types.has(each))
    if (known === undefined || !described.has(known)) faults.push(`${name} has no description`)
  }
  return [...new Set(faults)]
}
