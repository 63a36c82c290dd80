/** Lets go of what the server has had for long, so that a phone does not fill up. What is not sent is never touched. */
import type { PhoneDb } from './db'

export const KEPT_DAYS = 30
const DAY_MS = 86_400_000

/** Removes sent inspections older than `KEPT_DAYS` with their small pictures; says how many. */
export async function prune(db: PhoneDb, userId: string, now = Date.now()): Promise<number> {
  const before = new Date(now - KEPT_DAYS * DAY_MS).toISOString()
  const tx = db.transaction(['drafts', 'files', 'outbox'], 'readwrite')
  let removed = 0
  for (const draft of await tx.objectStore('drafts').index('byUser').getAll(userId)) {
    const old = draft.stage === 'sent' && (draft.submitted_at ?? draft.updated_at) < before
    if (!old || (await tx.objectStore('outbox').get(draft.id))) continue
    for (const file of await tx.objectStore('files').index('byInspection').getAllKeys(draft.id)) await tx.objectStore('files').delete(file)
    await tx.objectStore('drafts').delete(draft.id)
    removed += 1
  }
  await tx.done
  return removed
}
