/** Operations and uploaded files in SQLite; test/servers has the same for PostgreSQL. */
import { openHome } from './homes.ts'
import { describeOperations } from './operations-suite.ts'

describeOperations('SQLite', () => openHome())
