import { VergerError } from '../core/errors.ts'

export function registryDamaged(location: string, found: string, cause?: unknown): VergerError {
  return new VergerError(
    'registry_damaged',
    `Expected an intact database in ${location}, found ${found}`,
    {
      hint: `Nothing was changed. Restore a backup of ${location}, or move it and the files beside it (-wal, -shm) away to start with an empty registry.`,
      details: { path: location },
      cause,
    },
  )
}
