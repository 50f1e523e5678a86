import { render } from 'preact'
import { App } from './app.tsx'
import { stringsFor } from './strings.ts'
import { StringsProvider } from './use-strings.ts'
import './app.css'

const strings = stringsFor(navigator.language)
const root = document.getElementById('app')
if (!root) throw new Error('Expected an element with id "app" in index.html, found none')

document.documentElement.lang = strings.language
document.title = `Verger · ${strings.title}`
render(
  <StringsProvider value={strings}>
    <App />
  </StringsProvider>,
  root,
)
