/**
 * What comes down: pages of changes by an opaque cursor. A page and the cursor after it are stored in one transaction, so a
 * phone that dies goes on where it was. 410 starts anew; drafts and what waits to be sent are in other stores and stay.
 */
import { call, type Sender } from '@shared/api/call'
import { getSync } from '@shared/api/generated.operations'
import { Problem } from '@shared/api/problem'
import { uuidv7 } from '@shared/ids'
import { readMeta, writeMeta, type PhoneDb, type Row } from './db'
import type { Safe } from './safe'

export interface SyncItem { entity: string; op: 'upsert' | 'delete'; id: string; value?: unknown }
export interface SyncPage { items: SyncItem[]; next: string; more: boolean; server_time: string; scope_version: number }

interface Position {
  next?: string
  /** Set while a full run has not ended. */
  generation?: string
}

export interface SyncState { at: string; server_time: string; offset_ms: number }

const PAGES_MAX = 2_000
const PAGE_ROWS = 200

/** Runs until nothing more comes. Throws what the network or the server says; what was stored until then stays. */
export async function synchronise(safe: Safe, api: Sender, now: () => number = Date.now): Promise<SyncState> {
  try {
    return await run(safe, api, now)
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 410) throw error
    await writeMeta(safe.db, positionKey(safe.userId), {})
    return run(safe, api, now)
  }
}

/** What a merged place's stone says: the one that has everything now. */
export interface Merged { merged_into: string; name: string }
export const mergedKey = (userId: string, premisesId: string) => `merged:${userId}:${premisesId}`

const positionKey = (userId: string) => `sync:${userId}`
export const syncStateKey = (userId: string) => `synced:${userId}`

async function run(safe: Safe, api: Sender, now: () => number): Promise<SyncState> {
  const { db, userId } = safe
  let position = (await readMeta<Position>(db, positionKey(userId))) ?? {}
  if (!position.next) position = { generation: uuidv7() }
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const got: SyncPage = await call(api, getSync, { query: { since: position.next, limit: PAGE_ROWS } })
    const generation = position.generation
    position = { next: got.next, generation: got.more ? generation : undefined }
    const state: SyncState = {
      at: new Date(now()).toISOString(), server_time: got.server_time, offset_ms: Date.parse(got.server_time) - now(),
    }
    // Sealed before the transaction begins: it would end while it waits.
    const rows = await Promise.all(got.items.filter((item) => item.op === 'upsert').map((item) => safe.sealRow({ user_id: userId, entity: item.entity, id: item.id, value: item.value, generation: generation ?? '' })))
    await store(db, userId, got, rows, position, generation, state)
    if (!got.more) return state
  }
  throw new Problem({ type: 'sync_endless', title: 'sync_endless', status: 0 })
}

async function store(
  db: PhoneDb, userId: string, page: SyncPage, sealed: Row[], position: Position, generation: string | undefined, state: SyncState,
): Promise<void> {
  const tx = db.transaction(['rows', 'meta'], 'readwrite')
  const rows = tx.objectStore('rows')
  let next = 0
  for (const item of page.items) {
    if (item.op === 'delete') {
      await rows.delete([userId, item.entity, item.id])
      // The stone of a place that was merged says where everything is now.
      if (item.entity === 'premises' && item.value) await tx.objectStore('meta').put({ key: mergedKey(userId, item.id), value: item.value })
    }
    else await rows.put(sealed[next++]!)
  }
  if (generation && !page.more) {
    // The full run has ended: what it did not name is out of scope or gone.
    const all = IDBKeyRange.bound([userId], [userId, []])
    for (let cursor = await rows.openCursor(all); cursor; cursor = await cursor.continue()) {
      if (cursor.value.generation !== generation) await cursor.delete()
    }
  }
  await tx.objectStore('meta').put({ key: positionKey(userId), value: position })
  if (!page.more) await tx.objectStore('meta').put({ key: syncStateKey(userId), value: state })
  await tx.done
}
