import { openHome } from './homes.ts'
import { describeTokens } from './tokens-suite.ts'

describeTokens('SQLite', () => openHome())
