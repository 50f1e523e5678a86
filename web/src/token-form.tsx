import { useLayoutEffect, useRef } from 'preact/hooks'
import { writeAccessToken } from './access-token.ts'
import type { Failure } from './answer.ts'
import { useStrings } from './use-strings.ts'

interface TokenFormProps {
  readonly token: (Failure & { readonly kind: 'unauthorized' })['token']
  readonly onToken: () => void
}

/** Asks for the server's access token, keeps it for this tab, and lets the photo go on. */
export function TokenForm({ token, onToken }: TokenFormProps) {
  const strings = useStrings()
  const input = useRef<HTMLInputElement>(null)
  // Before the form is painted: who starts to type at the sight of it must not lose a key.
  useLayoutEffect(() => input.current?.focus(), [])
  return (
    <form
      class="token-form"
      onSubmit={(event) => {
        event.preventDefault()
        writeAccessToken(input.current?.value.trim() ?? '')
        onToken()
      }}
    >
      <div role="alert">
        <h2 class="token-heading">{strings.token[token]}</h2>
      </div>
      <label for="token">{strings.tokenLabel}</label>
      <input
        ref={input}
        id="token"
        class="field"
        type="password"
        required
        // Printable ASCII: all that a header may carry.
        pattern="\s*[\x21-\x7e]+\s*"
        autocomplete="off"
        aria-describedby="token-hint"
      />
      <p id="token-hint">{strings.tokenHint}</p>
      <button type="submit" class="button button-primary">
        {strings.tokenSend}
      </button>
    </form>
  )
}
