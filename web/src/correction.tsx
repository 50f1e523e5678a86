import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Decision, Failure, ModelVersion } from './answer.ts'
import { FailureNotice } from './failure-notice.tsx'
import { sendCorrection } from './models.ts'
import { plainLabel } from './plain-label.ts'
import { TokenForm } from './token-form.tsx'
import { useStrings } from './use-strings.ts'

interface CorrectionProps {
  readonly photo: File
  readonly version: ModelVersion
  readonly decision: Decision
  /** What the version can name, as suggestions. */
  readonly labels: readonly string[]
  /** What the photo was corrected to. */
  readonly correctedTo: string | undefined
  readonly onCorrected: (label: string) => void
}

/** "No, it is a …": nothing is sent before somebody says what it is and presses Send. */
export function Correction({ correctedTo, onCorrected, ...form }: CorrectionProps) {
  const strings = useStrings()
  const [isOpen, setOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const thanks = useRef<HTMLParagraphElement>(null)
  const wasOpen = useRef(false)

  // The element that had the focus is gone: it goes, before the next key, to the one that took its place.
  useLayoutEffect(() => {
    if (wasOpen.current && !isOpen) (thanks.current ?? opener.current)?.focus()
    wasOpen.current = isOpen
  }, [isOpen])

  if (isOpen) {
    return (
      <CorrectionForm
        {...form}
        onCancel={() => setOpen(false)}
        onSent={(label) => {
          onCorrected(label)
          setOpen(false)
        }}
      />
    )
  }
  if (correctedTo !== undefined) {
    return (
      <p ref={thanks} class="correction-kept" role="status" tabIndex={-1}>
        {strings.correctionKept(plainLabel(correctedTo))}
      </p>
    )
  }
  return (
    <button ref={opener} type="button" class="button-quiet" onClick={() => setOpen(true)}>
      {strings.correct[form.decision]}
    </button>
  )
}

interface CorrectionFormProps extends Omit<CorrectionProps, 'correctedTo' | 'onCorrected'> {
  readonly onCancel: () => void
  readonly onSent: (label: string) => void
}

function CorrectionForm({ photo, version, labels, onCancel, onSent }: CorrectionFormProps) {
  const strings = useStrings()
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [isSending, setSending] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  useLayoutEffect(() => input.current?.focus(), [])

  const send = async (): Promise<void> => {
    const label = labelOf(input.current?.value ?? '', labels)
    setSending(true)
    setFailure(undefined)
    const { failure } = await sendCorrection({ ...version, photo, label })
    setSending(false)
    if (failure) setFailure(failure)
    else onSent(label)
  }

  return (
    <div class="correction">
      <form
        class="correction-form"
        aria-busy={isSending}
        onSubmit={(event) => {
          event.preventDefault()
          if (!isSending) void send()
        }}
        onKeyDown={({ key }) => {
          if (key === 'Escape') onCancel()
        }}
      >
        <label for={`${id}-label`}>{strings.correctLabel}</label>
        <input
          ref={input}
          id={`${id}-label`}
          class="field"
          list={`${id}-labels`}
          required
          pattern=".*\S.*"
          maxLength={100}
          autocomplete="off"
          aria-describedby={`${id}-hint`}
        />
        <datalist id={`${id}-labels`}>
          {labels.map((label) => (
            <option key={label} value={plainLabel(label)} />
          ))}
        </datalist>
        <p id={`${id}-hint`}>{strings.correctHint}</p>
        <div class="correction-buttons">
          <button type="submit" class="button button-primary">
            {strings.correctSend}
          </button>
          <button type="button" class="button-quiet" onClick={onCancel}>
            {strings.cancel}
          </button>
        </div>
      </form>
      {failure?.kind === 'unauthorized' ? (
        <TokenForm token={failure.token} onToken={send} />
      ) : (
        failure && <FailureNotice failure={failure} onRetry={send} />
      )}
    </div>
  )
}

/** The version's own label where somebody typed it in plain words, else what they typed. */
function labelOf(typed: string, labels: readonly string[]): string {
  const words = typed.trim()
  const isMeant = (label: string) => plainLabel(label).toLowerCase() === words.toLowerCase()
  return labels.find((label) => label === words) ?? labels.find(isMeant) ?? words
}
