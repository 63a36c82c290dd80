/**
 * Everything the phone keeps, in one IndexedDB database. Rows, drafts and what waits to be sent belong to a user: on a phone
 * that two officers share neither sees the other's. Nothing here is removed when a login ends.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Draft, StoredFile } from './draft'
import type { OutboxEntry } from './outbox'

export interface Row {
  user_id: string
  entity: string
  id: string
  value: unknown
  /** The full run that named it last; a full run ends by removing what it did not name. */
  generation: string
}

export interface AlertAnswer { key: string; user_id: string; alert_id: string; text: string; files: { id: string; blob: Blob }[] }

interface Schema extends DBSchema {
  meta: { key: string; value: { key: string; value: unknown } }
  rows: { key: [string, string, string]; value: Row; indexes: { byEntity: [string, string] } }
  drafts: { key: string; value: Draft; indexes: { byUser: string } }
  files: { key: string; value: StoredFile; indexes: { byInspection: string } }
  outbox: { key: string; value: OutboxEntry; indexes: { byUser: string } }
  answers: { key: string; value: AlertAnswer }
}

export type PhoneDb = IDBPDatabase<Schema>

export function openPhoneDb(name = 'bright-kitchen-phone'): Promise<PhoneDb> {
  return openDB<Schema>(name, 1, {
    upgrade(db) {
      db.createObjectStore('meta', { keyPath: 'key' })
      db.createObjectStore('rows', { keyPath: ['user_id', 'entity', 'id'] }).createIndex('byEntity', ['user_id', 'entity'])
      db.createObjectStore('drafts', { keyPath: 'id' }).createIndex('byUser', 'user_id')
      db.createObjectStore('files', { keyPath: 'id' }).createIndex('byInspection', 'inspection_id')
      db.createObjectStore('outbox', { keyPath: 'id' }).createIndex('byUser', 'user_id')
      db.createObjectStore('answers', { keyPath: 'key' })
    },
    blocking(_current, _blocked, event) {
      // Another tab has a newer version of the app; holding on would block it for ever.
      ;(event.target as IDBDatabase).close()
    },
  })
}

export async function readMeta<T>(db: PhoneDb, key: string): Promise<T | undefined> {
  return (await db.get('meta', key))?.value as T | undefined
}

export async function writeMeta(db: PhoneDb, key: string, value: unknown): Promise<void> {
  await db.put('meta', { key, value })
}

/** All synced rows of one kind. */
export async function rowsOf<T>(db: PhoneDb, userId: string, entity: string): Promise<T[]> {
  const rows = await db.getAllFromIndex('rows', 'byEntity', [userId, entity])
  return rows.map((row) => row.value as T)
}

export async function rowOf<T>(db: PhoneDb, userId: string, entity: string, id: string): Promise<T | undefined> {
  return (await db.get('rows', [userId, entity, id]))?.value as T | undefined
}
