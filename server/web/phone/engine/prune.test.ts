import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import { openPhoneDb } from './db'
import { queue } from './entry'
import { KEPT_DAYS, prune } from './prune'
import { addPhoto, draftOf, safeOf } from './testing'

it('lets go of what was sent long ago, and of nothing else', async () => {
  const db = await openPhoneDb('prune')
  const safes = new Map([['u', await safeOf(db, 'u')], ['v', await safeOf(db, 'v')]])
  const long = new Date(Date.now() - (KEPT_DAYS + 1) * 86_400_000).toISOString()
  const made = async (stage: 'filling' | 'queued' | 'sent', at: string, user = 'u') => {
    const draft = { ...draftOf(user), stage, updated_at: at, submitted_at: at }
    const safe = safes.get(user)!
    await addPhoto(safe, draft, 100)
    await safe.putDraft({ ...draft, stage, updated_at: at, submitted_at: at })
    return draft
  }
  const old = await made('sent', long)
  const kept = [await made('filling', long), await made('queued', long), await made('sent', new Date().toISOString()), await made('sent', long, 'v')]
  await queue(safes.get('u')!, kept[1]!, 1)
  expect(await prune(db, 'u')).toBe(1)
  expect((await db.getAllKeys('drafts')).sort()).toEqual(kept.map((one) => one.id).sort())
  expect(await db.countFromIndex('files', 'byInspection', old.id)).toBe(0)
  expect(await db.count('files')).toBe(4)
})
