import { useState } from 'preact/hooks'
import { readAccessToken } from './access-token.ts'
import type { ModelVersion } from './answer.ts'
import { askServer } from './ask-server.ts'
import { reportUrlOf } from './models.ts'
import { useStrings } from './use-strings.ts'

/** A way to the report of a version. A link cannot carry a token, so behind one the report is downloaded instead. */
export function ReportLink({ version }: { readonly version: ModelVersion }) {
  const strings = useStrings()
  const [hasFailed, setFailed] = useState(false)
  if (readAccessToken() === undefined) {
    return (
      <a href={reportUrlOf(version)} target="_blank" rel="noopener">
        {strings.report}
        <span class="visually-hidden"> ({strings.newTab})</span>
      </a>
    )
  }
  return (
    <>
      <button
        type="button"
        class="button-quiet"
        onClick={async () => setFailed(!(await download(version)))}
      >
        {strings.downloadReport}
      </button>
      {hasFailed && <span role="alert"> {strings.reportFailed}</span>}
    </>
  )
}

/** Gives whether it came. */
async function download(version: ModelVersion): Promise<boolean> {
  const { result } = await askServer(reportUrlOf(version), {}, (response) => response.blob())
  if (!result) return false
  const link = document.createElement('a')
  link.href = URL.createObjectURL(result)
  link.download = `${version.model}-${version.version}-report.html`
  link.click()
  URL.revokeObjectURL(link.href)
  return true
}
