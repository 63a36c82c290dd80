/**
 * Everything the phone keeps, in one IndexedDB database. Rows, drafts and what waits to be sent belong to a user: on a phone
 * that two officers share neither sees the other's, and drafts with all that belongs to them are sealed with their owner's
 * keys (see `safe.ts`). Nothing here is removed when a login ends.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Draft } from './draft'
import type { Sealed } from './keys'
import type { EntryState } from './entry'
import type { VaultRecord } from './vault'

export interface Row {
  user_id: string
  entity: string
  id: string
  /** As the server said it; sealed where its owner keeps keys on this phone. */
  value?: unknown
  sealed?: Sealed
  /** The full run that named it last; a full run ends by removing what it did not name. */
  generation: string
}

/** What is typed of an answer, or of a judgement of one, before it is sent. */
export interface AlertAnswer { key: string; user_id: string; alert_id: string; text: string; files: { id: string; blob: Blob }[]; accepted?: boolean }

/** What can be read of a draft without its owner's keys. One without `sealed` was left by a version that did not seal yet. */
export interface DraftRecord {
  id: string
  user_id: string
  stage: Draft['stage']
  updated_at: string
  submitted_at?: string
  /** Grows with each change: the newest copy wins. */
  seq: number
  sealed: Sealed
}

export interface FileRecord {
  id: string
  inspection_id: string
  user_id: string
  bytes: number
  sealed: Sealed
  preview: Sealed | null
  /** The file as taken; let go once the server has all of it. */
  content: (Omit<Sealed, 'data'> & { data: Blob }) | null
}

export interface OutboxRecord { id: string; user_id: string; state: EntryState; sealed: Sealed }
export interface AnswerRecord { key: string; user_id: string; sealed: Sealed; files: Sealed[] }

/** What the server has of a draft or a file; `gone` waits to be told there. */
export interface BackupRecord { id: string; user_id: string; draft_id: string; revision: number; gone?: boolean }

interface Schema extends DBSchema {
  meta: { key: string; value: { key: string; value: unknown } }
  rows: { key: [string, string, string]; value: Row; indexes: { byEntity: [string, string] } }
  drafts: { key: string; value: DraftRecord; indexes: { byUser: string } }
  files: { key: string; value: FileRecord; indexes: { byInspection: string } }
  outbox: { key: string; value: OutboxRecord; indexes: { byUser: string } }
  answers: { key: string; value: AnswerRecord }
  vaults: { key: string; value: VaultRecord }
  backups: { key: string; value: BackupRecord; indexes: { byUser: string } }
}

export type PhoneDb = IDBPDatabase<Schema>

export function openPhoneDb(name = 'bright-kitchen-phone'): Promise<PhoneDb> {
  return openDB<Schema>(name, 2, {
    upgrade(db, from) {
      if (from < 1) {
        db.createObjectStore('meta', { keyPath: 'key' })
        db.createObjectStore('rows', { keyPath: ['user_id', 'entity', 'id'] }).createIndex('byEntity', ['user_id', 'entity'])
        db.createObjectStore('drafts', { keyPath: 'id' }).createIndex('byUser', 'user_id')
        db.createObjectStore('files', { keyPath: 'id' }).createIndex('byInspection', 'inspection_id')
        db.createObjectStore('outbox', { keyPath: 'id' }).createIndex('byUser', 'user_id')
        db.createObjectStore('answers', { keyPath: 'key' })
      }
      db.createObjectStore('vaults', { keyPath: 'user_id' })
      db.createObjectStore('backups', { keyPath: 'id' }).createIndex('byUser', 'user_id')
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
