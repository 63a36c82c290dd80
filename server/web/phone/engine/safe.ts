/**
 * Drafts, their photos, what waits to be sent, answers to alerts and what was synced, as one officer's keys keep them: what lies in the database
 * is sealed, and only its owner, its state and its times can be read there. Sealing comes before a transaction is begun:
 * IndexedDB ends one that waits for anything else.
 */
import type { AlertAnswer, AnswerRecord, DraftRecord, FileRecord, OutboxRecord, PhoneDb, Row } from './db'
import type { Draft, StoredFile } from './draft'
import type { Keys, Sealed } from './keys'
import type { OutboxEntry } from './entry'

/** What of a file is sealed beside its bytes. */
interface FileFacts { sha256: string; filetype: string }

export const isSealed = <T extends object>(record: T): record is T & { sealed: Sealed } => 'sealed' in record

export class Safe {
  constructor(readonly db: PhoneDb, readonly keys: Keys) {}

  get userId(): string {
    return this.keys.userId
  }

  /** One's own draft; somebody else's is not there. */
  async draft(id: string): Promise<Draft | undefined> {
    const record = await this.db.get('drafts', id)
    return record?.user_id === this.userId ? this.openDraft(record) : undefined
  }

  async drafts(): Promise<Draft[]> {
    return Promise.all((await this.db.getAllFromIndex('drafts', 'byUser', this.userId)).map((record) => this.openDraft(record)))
  }

  async openDraft(record: DraftRecord): Promise<Draft> {
    return isSealed(record) ? this.keys.openJson<Draft>(`draft/${record.id}`, record.sealed) : (record as unknown as Draft)
  }

  async sealDraft(draft: Draft): Promise<DraftRecord> {
    const sealed = await this.keys.sealJson(`draft/${draft.id}`, draft)
    const before = await this.db.get('drafts', draft.id)
    // Counts up, and follows the clock, so that of two phones the one that was used last is ahead.
    const seq = Math.max((before?.seq ?? 0) + 1, Date.now())
    const { id, user_id, stage, updated_at, submitted_at } = draft
    return { id, user_id, stage, updated_at, submitted_at, seq, sealed }
  }

  async putDraft(draft: Draft): Promise<void> {
    await this.db.put('drafts', await this.sealDraft(draft))
  }

  /** The files of an inspection with their small pictures; the bytes as taken only where nothing smaller can be shown. */
  async files(inspectionId: string): Promise<StoredFile[]> {
    const records = await this.db.getAllFromIndex('files', 'byInspection', inspectionId)
    return Promise.all(records.filter((one) => one.user_id === this.userId).map((one) => this.openFile(one, !one.preview)))
  }

  /** A file with its bytes as taken. */
  async file(id: string): Promise<StoredFile | undefined> {
    const record = await this.db.get('files', id)
    return record?.user_id === this.userId ? this.openFile(record, true) : undefined
  }

  private async openFile(record: FileRecord, whole: boolean): Promise<StoredFile> {
    if (!isSealed(record)) return record as unknown as StoredFile
    const { id, inspection_id, user_id, bytes } = record
    const facts = await this.keys.openJson<FileFacts>(`file/${id}`, record.sealed)
    const preview = record.preview ? new Blob([await this.keys.open(`preview/${id}`, record.preview)], { type: 'image/jpeg' }) : null
    const { content } = record
    const blob = content && whole
      ? new Blob([await this.keys.open(`bytes/${id}`, { ...content, data: await content.data.arrayBuffer() })], { type: facts.filetype })
      : null
    return { id, inspection_id, user_id, bytes, ...facts, preview, blob }
  }

  async sealFile(file: StoredFile): Promise<FileRecord> {
    const { id, inspection_id, user_id, bytes, sha256, filetype } = file
    const sealed = await this.keys.sealJson(`file/${id}`, { sha256, filetype } satisfies FileFacts)
    const preview = file.preview ? await this.keys.seal(`preview/${id}`, await file.preview.arrayBuffer()) : null
    const content = file.blob ? await this.keys.seal(`bytes/${id}`, await file.blob.arrayBuffer()) : null
    // A Blob stays on the disk until it is asked for; an ArrayBuffer would be read with every list.
    return { id, inspection_id, user_id, bytes, sealed, preview, content: content ? { ...content, data: new Blob([content.data]) } : null }
  }

  async putFile(file: StoredFile): Promise<void> {
    await this.db.put('files', await this.sealFile(file))
  }

  async entries(): Promise<OutboxEntry[]> {
    const records = await this.db.getAllFromIndex('outbox', 'byUser', this.userId)
    return Promise.all(records.map((record) => this.openEntry(record)))
  }

  private async openEntry(record: OutboxRecord): Promise<OutboxEntry> {
    return isSealed(record) ? this.keys.openJson<OutboxEntry>(`outbox/${record.id}`, record.sealed) : (record as unknown as OutboxEntry)
  }

  async sealEntry(entry: OutboxEntry): Promise<OutboxRecord> {
    const { id, user_id, state } = entry
    return { id, user_id, state, sealed: await this.keys.sealJson(`outbox/${id}`, entry) }
  }

  async answer(key: string): Promise<AlertAnswer | undefined> {
    const record = await this.db.get('answers', key)
    if (!record || record.user_id !== this.userId) return undefined
    if (!isSealed(record)) return record as unknown as AlertAnswer
    const rest = await this.keys.openJson<Omit<AlertAnswer, 'files'> & { files: { id: string; type: string }[] }>(`answer/${key}`, record.sealed)
    const files = await Promise.all(rest.files.map(async ({ id, type }, index) => ({ id, blob: new Blob([await this.keys.open(`answer/${key}/${id}`, record.files[index]!)], { type }) })))
    return { ...rest, files }
  }

  async putAnswer(answer: AlertAnswer): Promise<void> {
    await this.db.put('answers', await this.sealAnswer(answer))
  }

  private async sealAnswer(answer: AlertAnswer): Promise<AnswerRecord> {
    const { key, user_id } = answer
    const files = await Promise.all(answer.files.map(async ({ id, blob }) => this.keys.seal(`answer/${key}/${id}`, await blob.arrayBuffer())))
    const facts = { ...answer, files: answer.files.map(({ id, blob }) => ({ id, type: blob.type })) }
    return { key, user_id, sealed: await this.keys.sealJson(`answer/${key}`, facts), files }
  }

  /** All synced rows of one kind. */
  async rows<T>(entity: string): Promise<T[]> {
    const rows = await this.db.getAllFromIndex('rows', 'byEntity', [this.userId, entity])
    return Promise.all(rows.map((row) => this.openRow<T>(row)))
  }

  async row<T>(entity: string, id: string): Promise<T | undefined> {
    const row = await this.db.get('rows', [this.userId, entity, id])
    return row && this.openRow<T>(row)
  }

  async sealRow(row: Row): Promise<Row> {
    const { value, ...rest } = row
    return { ...rest, sealed: await this.keys.sealJson(`row/${row.entity}/${row.id}`, value ?? null) }
  }

  /** Changes what is kept of a row, until the next sync says more. */
  async patchRow(entity: string, id: string, change: object): Promise<void> {
    const row = await this.db.get('rows', [this.userId, entity, id])
    if (row) await this.db.put('rows', await this.sealRow({ ...row, value: { ...(await this.openRow<object>(row)), ...change } }))
  }

  private async openRow<T>(row: Row): Promise<T> {
    return row.sealed ? this.keys.openJson<T>(`row/${row.entity}/${row.id}`, row.sealed) : (row.value as T)
  }

  /** Seals what an earlier version of the app left open; says how many records it was. Ends where nothing of the kind is left. */
  async sealEverything(): Promise<number> {
    let sealed = 0
    for (const record of await this.db.getAllFromIndex('drafts', 'byUser', this.userId)) {
      if (isSealed(record)) continue
      await this.putDraft(record as unknown as Draft)
      sealed += 1
    }
    for (const key of await this.db.getAllKeys('files')) {
      const record = await this.db.get('files', key)
      if (!record || record.user_id !== this.userId || isSealed(record)) continue
      await this.putFile(record as unknown as StoredFile)
      sealed += 1
    }
    for (const record of await this.db.getAllFromIndex('outbox', 'byUser', this.userId)) {
      if (isSealed(record)) continue
      await this.db.put('outbox', await this.sealEntry(record as unknown as OutboxEntry))
      sealed += 1
    }
    for (const record of await this.db.getAll('answers')) {
      if (record.user_id !== this.userId || isSealed(record)) continue
      await this.putAnswer(record as unknown as AlertAnswer)
      sealed += 1
    }
    for (const row of await this.db.getAll('rows', IDBKeyRange.bound([this.userId], [this.userId, []]))) {
      if (row.sealed) continue
      await this.db.put('rows', await this.sealRow(row))
      sealed += 1
    }
    return sealed
  }
}
