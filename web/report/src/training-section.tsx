import type { EvaluationReport } from '../../../src/training/report.ts'
import { formatCount, formatNumber, formatPercent } from './format-numbers.ts'
import { Section } from './section.tsx'

type Training = NonNullable<EvaluationReport['training']>

/** How the head came about: its photos, its settings and what else was tried. */
export function TrainingSection({ training }: { readonly training: Training }) {
  // Scalings are compared on fewer photos first, so a setting may stand there twice: the later one was chosen.
  const chosen = training.tried.findLastIndex(
    ({ scaling, l2 }) => scaling === training.scaling && l2 === training.l2,
  )
  const strength = training.l2 > 0 ? ` and L2 strength ${formatNumber(training.l2)}` : ''
  return (
    <Section
      id="training"
      title="How was it trained?"
      lead={`On ${formatCount(training.photos)} photos, with seed ${training.seed}. ${
        training.tried.length === 0
          ? 'The classifier learned together with the network.'
          : `Scaling “${training.scaling}”${strength} did best in cross-validation on those photos alone.`
      }`}
    >
      {training.notes.length > 0 && (
        <ul class="notes">
          {training.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {training.tried.length > 0 && (
        <div class="scroll">
          <table class="tried">
            <caption>What cross-validation tried</caption>
            <thead>
              <tr>
                <th scope="col">Scaling</th>
                <th scope="col">L2 strength</th>
                <th scope="col">Accuracy</th>
                <th scope="col">Loss</th>
              </tr>
            </thead>
            <tbody>
              {training.tried.map((row, index) => (
                <tr
                  key={`${row.scaling} ${row.l2} ${row.loss}`}
                  class={index === chosen ? 'chosen' : ''}
                >
                  <th scope="row">
                    {row.scaling}
                    {index === chosen && <span class="tag">chosen</span>}
                  </th>
                  <td class="number">{formatNumber(row.l2)}</td>
                  <td class="number">{formatPercent(row.accuracy)}</td>
                  <td class="number">{row.loss.toFixed(3)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  )
}
