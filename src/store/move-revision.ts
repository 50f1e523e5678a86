import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/** Moves the revision and gives it. The last thing that a transaction does, since all others then wait for its end. */
export async function moveRevision(db: Kysely<Schema>): Promise<number> {
  const { value } = await db
    .updateTable('revision')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}
