/** The registry in SQLite; test/servers has the same for PostgreSQL. */
import { createHome } from './homes.ts'
import { describeRegistryFeatures } from './registry-features-suite.ts'
import { describeRegistry } from './registry-suite.ts'

describeRegistry('SQLite', () => ({ home: createHome() }))
describeRegistryFeatures('SQLite', () => ({ home: createHome() }))
