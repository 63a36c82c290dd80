/**
 * Copies of drafts on the server, sealed here with the officer's keys, whenever there is a network: a phone that is lost, reset
 * or drowned loses at most what was done since. A new phone fetches them after signing in. The newest wins by revision.
 */
import { call, send } from '@shared/api/call'
import { deleteDraftsId, getDrafts, getDraftsId, putDraftsId } from '@shared/api/generated.operations'
import { asProblem } from '@shared/api/problem'
import type { BackupRecord, PhoneDb } from './db'
import type { Draft, StoredFile } from './draft'
import { CannotOpen, packed, unpacked } from './keys'
import { isSealed, type Safe } from './safe'
import { adopt } from './team'
import type { Transport } from './tus'

/** The facts and the two pictures of a file, one after the other, behind the length of the facts. */
interface FileFacts { inspection_id: string; sha256: string; filetype: string; bytes: number; preview_bytes: number; whole: boolean }

/** Brings the server what it has not got. Stops at the first fault, which the caller may ignore: it is tried again. */
export async function backUp(safe: Safe, api: Transport, deviceId: string): Promise<number> {
  let sent = 0
  for (const gone of await mineOf(safe)) {
    if (!gone.gone) continue
    await send(api, deleteDraftsId, { path: { id: gone.id } })
    await safe.db.delete('backups', gone.id)
  }
  for (const record of await safe.db.getAllFromIndex('drafts', 'byUser', safe.userId)) {
    if (record.stage === 'sent' || !isSealed(record)) continue
    const draft = await safe.openDraft(record)
    for (const { id } of draft.evidence) {
      if (await safe.db.getKey('backups', id)) continue
      const file = await safe.file(id)
      if (file && (await put(safe, api, { id, draft_id: draft.id, revision: 1 }, deviceId, await fileBytes(file)))) sent += 1
    }
    const had = await safe.db.get('backups', record.id)
    if (had && had.revision >= record.seq) continue
    const content = new TextEncoder().encode(JSON.stringify(draft))
    if (await put(safe, api, { id: record.id, draft_id: record.id, revision: record.seq }, deviceId, content)) sent += 1
  }
  await letGo(safe, api)
  return sent
}

/** What was sent whole needs no copy any more. */
async function letGo(safe: Safe, api: Transport): Promise<void> {
  for (const copy of await mineOf(safe)) {
    if (copy.id !== copy.draft_id || (await safe.db.get('drafts', copy.id))?.stage !== 'sent') continue
    await send(api, deleteDraftsId, { path: { id: copy.id } })
    await removeCopies(safe, copy.id)
  }
}

async function put(safe: Safe, api: Transport, what: Omit<BackupRecord, 'user_id'>, deviceId: string, content: BufferSource): Promise<boolean> {
  const body = packed(await safe.keys.seal(`copy/${what.id}`, content))
  try {
    await send(api, putDraftsId, {
      path: { id: what.id }, query: { draft_id: what.draft_id, revision: what.revision, device_id: deviceId },
      body: { content: body, type: 'application/octet-stream' },
    })
  } catch (error) {
    const problem = asProblem(error)
    // Another phone is ahead, or the copies have reached their limit: this one is kept here all the same.
    if (problem.status !== 409 && problem.status !== 413) throw error
    if (problem.status === 413) return false
  }
  await safe.db.put('backups', { ...what, user_id: safe.userId })
  return true
}

/** A draft that is thrown away here goes there too, once there is a network. */
export async function forgotten(safe: Safe, draftId: string): Promise<void> {
  const known = (await mineOf(safe)).some((copy) => copy.draft_id === draftId)
  await removeCopies(safe, draftId)
  if (known) await safe.db.put('backups', { id: draftId, draft_id: draftId, user_id: safe.userId, revision: 0, gone: true })
}

async function removeCopies(safe: Safe, draftId: string): Promise<void> {
  for (const copy of await mineOf(safe)) if (copy.draft_id === draftId) await safe.db.delete('backups', copy.id)
}

const mineOf = (safe: Safe): Promise<BackupRecord[]> => safe.db.getAllFromIndex('backups', 'byUser', safe.userId)

/** Fetches what this phone has not got, and what another phone has changed since; says how many drafts came. */
export async function restore(safe: Safe, api: Transport, device: Draft['device']): Promise<number> {
  const { items } = await call(api, getDrafts)
  let came = 0
  for (const one of items.filter((listed) => listed.id === listed.draft_id)) {
    const had = await safe.db.get('drafts', one.id)
    const copied = await safe.db.get('backups', one.id)
    // What was changed here since its last copy, what was sent, and what was thrown away stays as it is.
    if (copied?.gone || (had && (had.stage !== 'filling' || had.seq > (copied?.revision ?? 0) || had.seq >= one.revision))) continue
    const draft = await fetchOne<Draft>(safe, api, one.id, (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Draft)
    if (!draft || draft.user_id !== safe.userId || draft.id !== one.id) continue
    for (const listed of items.filter((file) => file.draft_id === one.id && file.id !== one.id)) {
      if (await safe.db.getKey('files', listed.id)) continue
      const file = await fetchOne<StoredFile>(safe, api, listed.id, (bytes) => fileOf(listed.id, safe.userId, bytes))
      if (!file) continue
      await safe.putFile(file)
      await safe.db.put('backups', { id: listed.id, draft_id: one.id, revision: listed.revision, user_id: safe.userId })
    }
    // The draft comes last: one that is there has all its files.
    await safe.putDraft(adopt(draft, device, had ? await safe.draft(one.id) : undefined))
    const { seq } = (await safe.db.get('drafts', one.id))!
    await safe.db.put('backups', { id: one.id, draft_id: one.id, revision: seq, user_id: safe.userId })
    came += 1
  }
  return came
}

async function fetchOne<T>(safe: Safe, api: Transport, id: string, read: (bytes: ArrayBuffer) => T): Promise<T | null> {
  const bytes = await (await send(api, getDraftsId, { path: { id } })).arrayBuffer()
  try {
    return read(await safe.keys.open(`copy/${id}`, unpacked(bytes)))
  } catch (error) {
    // Sealed with keys of another phone that never met this server: it is left there.
    if (error instanceof CannotOpen) return null
    throw error
  }
}

async function fileBytes(file: StoredFile): Promise<ArrayBuffer> {
  const facts: FileFacts = {
    inspection_id: file.inspection_id, sha256: file.sha256, filetype: file.filetype, bytes: file.bytes, preview_bytes: file.preview?.size ?? 0, whole: file.blob !== null,
  }
  const text = new TextEncoder().encode(JSON.stringify(facts))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, text.length)
  return new Blob([length, text, file.preview ?? '', file.blob ?? '']).arrayBuffer()
}

function fileOf(id: string, userId: string, bytes: ArrayBuffer): StoredFile {
  const length = new DataView(bytes).getUint32(0)
  const facts = JSON.parse(new TextDecoder().decode(bytes.slice(4, 4 + length))) as FileFacts
  const at = 4 + length
  const preview = facts.preview_bytes ? new Blob([bytes.slice(at, at + facts.preview_bytes)], { type: 'image/jpeg' }) : null
  const blob = facts.whole ? new Blob([bytes.slice(at + facts.preview_bytes)], { type: facts.filetype }) : null
  return { id, inspection_id: facts.inspection_id, user_id: userId, sha256: facts.sha256, filetype: facts.filetype, bytes: facts.bytes, preview, blob }
}

/** Drafts of this officer that no copy has as they are now: shown beside "safe on this phone". */
export async function notCopied(db: PhoneDb, userId: string): Promise<number> {
  const drafts = (await db.getAllFromIndex('drafts', 'byUser', userId)).filter((one) => one.stage === 'filling')
  const copies = await Promise.all(drafts.map((one) => db.get('backups', one.id)))
  return drafts.filter((one, index) => (copies[index]?.revision ?? 0) < one.seq).length
}
