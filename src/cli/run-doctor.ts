import type { Config } from '../core/config.ts'
import { EXIT_CODES, toVergerError } from '../core/errors.ts'
import type { CommandContext, Terminal } from './context.ts'
import { CHECKS, type Check, type Finding, type Severity } from './doctor-checks.ts'
import { paint } from './render.ts'

/** Prints every finding as it is made. Sets exit code 1 when a command would fail. */
export async function runDoctor(
  context: CommandContext,
  options: { json: boolean },
): Promise<void> {
  const { config, stdout } = context
  const findings: Finding[] = []
  for (const check of CHECKS) {
    const finding = await runCheck(check, config)
    findings.push(finding)
    if (!options.json) stdout.write(renderFinding(stdout, finding))
  }
  if (options.json) stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
  else stdout.write(`\n${verdict(findings)}\n`)
  if (findings.some(({ severity }) => severity === 'broken'))
    context.setExitCode(EXIT_CODES.failure)
}

/** What a check trips over is what it was looking for. */
async function runCheck(check: Check, config: Config): Promise<Finding> {
  try {
    return await check(config)
  } catch (error) {
    const { message, hint } = toVergerError(error)
    const subject = check.name.replace(/^check/, '').toLowerCase()
    return { subject, severity: 'broken', text: message, remedy: hint ?? 'See the findings above.' }
  }
}

const MARKS = {
  fine: ['green', 'ok    '],
  slow: ['yellow', 'slow  '],
  broken: ['red', 'broken'],
} as const satisfies Record<Severity, readonly [string, string]>

function renderFinding(stream: Terminal, { subject, severity, text, remedy }: Finding): string {
  const [colour, mark] = MARKS[severity]
  const line = `${paint(stream, colour, mark)} ${subject.padEnd(12)} ${text}\n`
  return remedy === undefined
    ? line
    : `${line}       ${' '.repeat(12)} ${paint(stream, 'cyan', 'remedy')} ${remedy}\n`
}

function verdict(findings: readonly Finding[]): string {
  const count = (wanted: Severity) => findings.filter(({ severity }) => severity === wanted).length
  if (count('broken') > 0)
    return `Broken: ${count('broken')} of ${findings.length} checks. See the remedies above.`
  if (count('slow') > 0)
    return `Everything works; ${count('slow')} of ${findings.length} checks could be better.`
  return 'Everything works.'
}
