/** Forms in which predictions are written to standard output. */
import { stringify } from 'csv-stringify/sync'
import type { Decision } from '../bundles/classifier.ts'
import type { FailedPrediction, Prediction } from '../serving/answer.ts'

export const PREDICTION_FORMATS = ['text', 'json', 'ndjson', 'csv'] as const
export type PredictionFormat = (typeof PREDICTION_FORMATS)[number]

type Answer = Prediction | FailedPrediction

/** Writes answers one after another; `end` closes the form and is called once. */
export interface PredictionWriter {
  write(answer: Answer): string
  end(): string
}

/** In the text form a failed photo writes nothing: it is reported on standard error. */
export function createPredictionWriter(
  format: PredictionFormat,
  single: boolean,
): PredictionWriter {
  switch (format) {
    case 'text':
      return { write: (answer) => textOf(answer, single), end: () => '' }
    case 'ndjson':
      return { write: (answer) => `${JSON.stringify(answer)}\n`, end: () => '' }
    case 'json':
      return jsonWriter()
    case 'csv':
      return csvWriter()
  }
}

/** What a decision means; nothing is said of an answer that dares to name a label. */
const DECISION_LINES: Readonly<Record<Decision, string>> = {
  ok: '',
  unsure: 'Decision unsure: no label scores high enough to be sure\n',
  unknown: 'Decision unknown: unlike any photo this model was trained on\n',
}

/** The workshop's form; the name of the photo stands in front where there are several. */
function textOf(answer: Answer, single: boolean): string {
  if ('error' in answer) return ''
  const lines = answer.top.map(
    ({ label, score }) => `Score ${Number(score.toPrecision(12))}, Label ${label}\n`,
  )
  const predicted = `Predicted:\n${lines.join('')}${DECISION_LINES[answer.decision]}`
  return single ? predicted : `${answer.source}\n${predicted}\n`
}

function jsonWriter(): PredictionWriter {
  let separator = '[\n'
  return {
    write(answer) {
      const text = `${separator}  ${JSON.stringify(answer)}`
      separator = ',\n'
      return text
    },
    end: () => (separator === '[\n' ? '[]\n' : '\n]\n'),
  }
}

function csvWriter(): PredictionWriter {
  let header = 'source,rank,label,score,error,decision\n'
  return {
    write(answer) {
      const rows =
        'error' in answer
          ? [[answer.source, '', '', '', answer.error.code, '']]
          : answer.top.map(({ label, score }, index) => [
              answer.source,
              index + 1,
              label,
              score,
              '',
              answer.decision,
            ])
      const text = header + stringify(rows)
      header = ''
      return text
    },
    end: () => header,
  }
}
