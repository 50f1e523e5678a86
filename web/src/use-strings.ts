import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { type Strings, stringsFor } from './strings.ts'

const StringsContext = createContext<Strings>(stringsFor('en'))

export const StringsProvider = StringsContext.Provider

/** The words of the language that this page was opened in. */
export function useStrings(): Strings {
  return useContext(StringsContext)
}
