/**
 * The language of `*.transcript` files, one run of the program after another:
 *
 *   # a remark
 *   $ verger predict nope.jpg          the line that a shell runs
 *   Predicted:                         standard output, line by line
 *   ! error nope.jpg: …                standard error, each line behind `! `
 *   exit 1
 *
 * Wildcards, in places where runs differ: <number>, <duration>, <version>, <path> (no space in it), <text> (the rest of
 * anything on the line). A line <lines> stands for any number of lines.
 */
export interface TranscriptStep {
  readonly command: string
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly exit: number
}

const WILDCARDS: Readonly<Record<string, string>> = {
  number: '-?[0-9][0-9.,]*(?:e[-+]?[0-9]+)?',
  duration: '[0-9]+(?:ms|s|m[0-9]{2}s|h[0-9]{2}m)',
  version: '[0-9]+\\.[0-9]+\\.[0-9]+',
  path: '\\S+',
  text: '.*',
}

/** Throws where a step has no `exit` line or a line stands before the first `$`. */
export function parseTranscript(source: string): TranscriptStep[] {
  const steps: TranscriptStep[] = []
  let open: { command: string; stdout: string[]; stderr: string[] } | undefined
  for (const line of source.trimEnd().split('\n')) {
    if (open === undefined) {
      if (line.startsWith('$ ')) open = { command: line.slice(2), stdout: [], stderr: [] }
      else if (line.trim() !== '' && !line.startsWith('#')) {
        throw new Error(`Expected a line that starts with '$ ' or '#', received '${line}'`)
      }
      continue
    }
    const exit = /^exit ([0-9]+)$/.exec(line)?.[1]
    if (exit !== undefined) {
      steps.push({ ...open, exit: Number(exit) })
      open = undefined
    } else if (line === '!' || line.startsWith('! ')) open.stderr.push(line.slice(2))
    else open.stdout.push(line)
  }
  if (open !== undefined) throw new Error(`Expected 'exit N' after '$ ${open.command}'`)
  return steps
}

/** The pattern that the whole text of a stream must match. */
export function patternOf(lines: readonly string[]): RegExp {
  const body = lines.map((line) =>
    line === '<lines>'
      ? '(?:.*\\n)*?'
      : `${line
          .split(/<([a-z]+)>/)
          .map(partOf)
          .join('')}\\n`,
  )
  return new RegExp(`^${body.join('')}$`)
}

/** Split by its wildcards, a line has plain text at even places and names at odd ones. */
function partOf(part: string, place: number): string {
  if (place % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return WILDCARDS[part] ?? `<${part}>`
}
