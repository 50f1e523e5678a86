/** Backups of a registry in SQLite; test/servers has the same for PostgreSQL, and from each to the other. */
import { describeBackup, describeBackupUnderLoad, describeDamagedBackup } from './backup-suite.ts'
import { createHome } from './homes.ts'

const createPlace = () => ({ home: createHome() })

describeBackup('SQLite', createPlace, createPlace)
describeBackupUnderLoad('SQLite', createPlace)
describeDamagedBackup(createPlace)
