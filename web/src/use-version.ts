import { useEffect, useState } from 'preact/hooks'
import type { Answerer } from './answer.ts'
import { readVersion, type VersionDetails } from './models.ts'

/** What is known of the version that answered; undefined for a network, until it is known, and where it cannot be read. */
export function useVersion(answerer: Answerer): VersionDetails | undefined {
  const [details, setDetails] = useState<VersionDetails>()
  const { model, version } = 'model' in answerer ? answerer : {}
  useEffect(() => {
    let isCurrent = true
    setDetails(undefined)
    if (model !== undefined && version !== undefined) {
      void readVersion({ model, version }).then(({ result }) => {
        if (isCurrent) setDetails(result)
      })
    }
    return () => {
      isCurrent = false
    }
  }, [model, version])
  return details
}
