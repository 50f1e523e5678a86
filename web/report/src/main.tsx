import { render } from 'preact'
import type {
  DatasetReport,
  EvaluationReport,
  PreviewReport,
} from '../../../src/training/report.ts'
import { DatasetPage } from './dataset-page.tsx'
import { EvaluationPage } from './evaluation-page.tsx'
import { PreviewPage } from './preview-page.tsx'
import './styles/base.css'
import './styles/frame.css'
import './styles/headline.css'
import './styles/tables.css'
import './styles/charts.css'
import './styles/confusion.css'
import './styles/photos.css'
import './styles/comparison.css'
import './styles/dataset.css'
import './styles/preview.css'
import './styles/print.css'

function elementOf(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`Expected an element with id "${id}", found none`)
  return element
}

const json = elementOf('data').textContent ?? ''
const app = elementOf('app')
if (json.trim() === '') {
  app.textContent = 'This is the empty form of a report: no figures were written into it.'
} else {
  const report = JSON.parse(json) as EvaluationReport | DatasetReport | PreviewReport
  const subject = report.kind === 'evaluation' ? report.model.name : report.dataset.name
  document.title = `${subject} · Verger report`
  render(<Page report={report} />, app)
}

function Page({ report }: { readonly report: EvaluationReport | DatasetReport | PreviewReport }) {
  switch (report.kind) {
    case 'evaluation':
      return <EvaluationPage report={report} />
    case 'dataset':
      return <DatasetPage report={report} />
    case 'preview':
      return <PreviewPage report={report} />
  }
}
