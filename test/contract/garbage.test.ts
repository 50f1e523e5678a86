/** Garbage of a registry in SQLite; test/servers has the same for PostgreSQL. */
import { describeGarbage } from './garbage-suite.ts'
import { createHome } from './homes.ts'

describeGarbage('SQLite', () => ({ home: createHome() }))
