import { type Failure, isWorthRetrying } from './answer.ts'
import type { Language, Strings } from './strings.ts'
import { useStrings } from './use-strings.ts'

interface FailureNoticeProps {
  readonly failure: Exclude<Failure, { readonly kind: 'unauthorized' }>
  readonly onRetry: () => void
}

/** What went wrong and what helps, announced at once; with a button where a second try may help. */
export function FailureNotice({ failure, onRetry }: FailureNoticeProps) {
  const strings = useStrings()
  const { heading, details, language } = describe(failure, strings)
  return (
    <div class="failure">
      <div role="alert">
        <h2 class="failure-heading">{heading}</h2>
        {details.filter(Boolean).map((detail) => (
          <p key={detail} lang={language}>
            {detail}
          </p>
        ))}
      </div>
      {isWorthRetrying(failure) && (
        <button type="button" class="button button-secondary" onClick={onRetry}>
          {strings.retry}
        </button>
      )}
    </div>
  )
}

function describe(
  failure: FailureNoticeProps['failure'],
  strings: Strings,
): {
  readonly heading: string
  readonly details: readonly string[]
  /** Language of the details: what the server says is English. */
  readonly language: Language
} {
  const { language } = strings
  switch (failure.kind) {
    case 'refused': {
      const isAboutPhoto = failure.code.startsWith('photo_')
      const heading = isAboutPhoto ? strings.photoFailed : strings.requestFailed
      return { heading, details: [failure.message, failure.hint], language: 'en' }
    }
    case 'busy': {
      const seconds = failure.retryAfterSeconds
      const heading = seconds === undefined ? strings.busy : strings.busyFor(seconds)
      return { heading, details: [failure.message, failure.hint], language: 'en' }
    }
    case 'unreachable':
      return { heading: strings.unreachable, details: [strings.unreachableHint], language }
    case 'unreadable':
      return { heading: strings.unreadable, details: [strings.unreadableHint], language }
    case 'unexpected':
      return {
        heading: strings.unexpected(failure.status),
        details: [strings.unexpectedHint],
        language,
      }
  }
}
