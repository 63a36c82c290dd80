/**
 * What goes out, and how it gets into the outbox. Submitting freezes: the bodies are written once, so every try sends the same bytes and
 * the server counts it once however often it comes. An entry and what it was made from are stored together, so that it is never in neither.
 */
import { pathOf, type Body, type Operation, type OperationId, type PathOf } from '@shared/api/call'
import { canonicalSha256 } from '@shared/canonical'
import type { Evidence, TemplateBody } from '@shared/inspection'
import { standings, type Standing } from '@shared/originals'
import { header, partContent, result, type Draft, type StoredFile } from './draft'
import type { Safe } from './safe'
import { meet } from './team'

/** A file without a standing is needed: entries of earlier versions say nothing. */
export interface FileState { id: string; bytes: number; sent_bytes: number; done: boolean; path?: string; restarts: number; standing?: Standing }

/**
 * `waiting` has a time for its next try; `signed_out` waits for a login; `originals`: the inspection is complete at the desk, photos as
 * taken wait for their network; the last two wait for the officer.
 */
export type EntryState = 'queued' | 'sending' | 'waiting' | 'signed_out' | 'originals' | 'conflict' | 'refused'

export interface OutboxEntry {
  id: string
  user_id: string
  premises_name: string
  /** An inspection unless said: a paper of the canteen's own, a report of suspected food poisoning, or an act such as the answer to an order. */
  kind?: 'self_check' | 'incident' | 'act'
  /** Of a paper its code, of an act what it is: for the words on the screen. */
  title?: string
  /** Of an act: where its body goes. Ids of pictures in the body become those that the server gave them. */
  path?: string
  put: { [member: string]: unknown }
  /** None where another officer leads: their submission names this part. */
  submit: { [member: string]: unknown } | null
  files: FileState[]
  state: EntryState
  put_done: boolean
  submit_done: boolean
  /** The server has all it waits for; what is left are photos as taken. */
  complete?: boolean
  attempts: number
  /** Milliseconds since 1970 of the next try. */
  next_at: number
  problem?: { type: string; title: string; status: number; detail?: string; errors?: { pointer: string; detail: string }[]; present?: unknown }
  queued_at: string
}

/** Freezes a paper of the canteen's own: one body, and its files. */
async function freezePaper(draft: Draft, clock: { device_time: string; monotonic_ms: number }): Promise<OutboxEntry> {
  const { day, slot } = draft.paper!
  const content = { premises_id: draft.premises.id, template_id: draft.template.id, day, ...(slot ? { slot } : {}), part: partContent(draft, clock) }
  return {
    ...waiting(draft.id, draft.user_id, draft.premises.name, [], clock.device_time), files: filesOf(draft.template.body, draft.evidence), kind: 'self_check', title: draft.template.code,
    put: { content, content_sha256: await canonicalSha256(content) },
  }
}

const waiting = (id: string, userId: string, premisesName: string, files: { id: string; bytes: number }[], at: string): OutboxEntry => ({
  id, user_id: userId, premises_name: premisesName, put: {}, submit: null, files: files.map((one) => ({ id: one.id, bytes: one.bytes, sent_bytes: 0, done: false, restarts: 0 })),
  state: 'queued', put_done: false, submit_done: false, attempts: 0, next_at: 0, queued_at: at,
})

/** What goes first and what later; what the template leaves out has no place here: it stays on the phone as long as its draft. */
function filesOf(template: TemplateBody, evidence: Evidence[]): FileState[] {
  const standing = standings(template, evidence)
  const states = evidence.map((one) => ({ id: one.id, bytes: one.bytes, sent_bytes: 0, done: false, restarts: 0, standing: standing(one) }))
  return states.filter((one) => one.standing !== 'withheld')
}

/** Photos as taken that are still to go. */
export const originalsLeft = (entry: OutboxEntry): FileState[] => entry.files.filter((file) => file.standing === 'to_come' && !file.done)

/** Freezes a draft. From now on only these bytes are sent. */
export async function freeze(draft: Draft, monotonicMs: number, now = new Date()): Promise<OutboxEntry> {
  if (draft.paper) return freezePaper(draft, { device_time: now.toISOString(), monotonic_ms: Math.round(monotonicMs) })
  const clock: { device_time: string; monotonic_ms: number; gps_time?: string } = {
    device_time: now.toISOString(), monotonic_ms: Math.round(monotonicMs),
  }
  const gps = draft.places.at(-1)?.gps_time
  if (gps) clock.gps_time = gps
  const head = header(draft)
  const content = partContent(draft, clock)
  const partHash = await canonicalSha256(content)
  return {
    id: draft.id, user_id: draft.user_id, premises_name: draft.premises.name,
    put: {
      header: head, content_sha256: await canonicalSha256(head),
      part: { id: draft.part_id, content, content_sha256: partHash, revision: draft.revision },
    },
    submit: draft.team?.role === 'member' ? null : {
      parts: [{ id: draft.part_id, content_sha256: partHash }, ...(draft.team?.parts ?? []).map(({ id, content_sha256 }) => ({ id, content_sha256 }))],
      choices: { ...draft.team?.choices }, result: result(draft), submitted_at: now.toISOString(),
    },
    files: filesOf(draft.template.body, draft.evidence),
    state: 'queued', put_done: false, submit_done: false, attempts: 0, next_at: 0, queued_at: now.toISOString(),
  }
}

/** Puts a draft into the outbox: both are stored in one transaction, so it is never in neither. */
export async function queue(safe: Safe, draft: Draft, monotonicMs: number): Promise<OutboxEntry> {
  const entry = await freeze(draft, monotonicMs)
  const record = await safe.sealEntry(entry)
  const queued = await safe.sealDraft({ ...draft, stage: 'queued', submitted_at: entry.queued_at })
  const tx = safe.db.transaction(['outbox', 'drafts'], 'readwrite')
  await tx.objectStore('outbox').put(record)
  await tx.objectStore('drafts').put(queued)
  await tx.done
  return entry
}

/** Puts a report of suspected food poisoning into the outbox, with its photos: stored together. From now on only these bytes are sent. */
export async function queueIncident(safe: Safe, report: { id: string; premisesName: string; content: object; files: StoredFile[] }, now = new Date()): Promise<void> {
  const entry: OutboxEntry = {
    ...waiting(report.id, safe.userId, report.premisesName, report.files, now.toISOString()), kind: 'incident', title: 'incident',
    put: { content: report.content, content_sha256: await canonicalSha256(report.content) },
  }
  await together(safe, entry, report.files)
}

/** What is done to a thing of the desk's and may wait for a network: an operation that takes an `Idempotency-Key`, with its body. */
export interface Act<K extends OperationId> { id: string; operation: Operation<K>; at: PathOf<K>; title: string; premisesName: string; body: Body<K>; files: StoredFile[] }

/** Puts an act into the outbox, with its pictures: stored together. */
export async function queueAct<K extends OperationId>(safe: Safe, act: Act<K>, now = new Date()): Promise<void> {
  const path = pathOf(act.operation, act.at)
  const entry: OutboxEntry = {
    ...waiting(act.id, safe.userId, act.premisesName, act.files, now.toISOString()), kind: 'act', title: act.title, path, put: act.body as unknown as OutboxEntry['put'],
  }
  await together(safe, entry, act.files)
}

async function together(safe: Safe, entry: OutboxEntry, pictures: StoredFile[]): Promise<void> {
  const record = await safe.sealEntry(entry)
  const files = await Promise.all(pictures.map((file) => safe.sealFile({ ...file, inspection_id: entry.id, user_id: safe.userId })))
  const tx = safe.db.transaction(['outbox', 'files'], 'readwrite')
  for (const file of files) await tx.objectStore('files').put(file)
  await tx.objectStore('outbox').put(record)
  await tx.done
}

/** Takes an act out of the outbox, with its pictures: it was not accepted, and is done anew or not at all. */
export async function dropAct(safe: Safe, id: string): Promise<void> {
  const tx = safe.db.transaction(['outbox', 'files'], 'readwrite')
  for (const key of await tx.objectStore('files').index('byInspection').getAllKeys(id)) await tx.objectStore('files').delete(key)
  await tx.objectStore('outbox').delete(id)
  await tx.done
}

/** Takes a refused or conflicting inspection back to be changed, or a part that was handed in; it goes again with a higher revision. */
export async function takeBack(safe: Safe, id: string): Promise<void> {
  const draft = await safe.draft(id)
  if (!draft) return
  const entry = (await safe.entries()).find((one) => one.id === id)
  // The server has parts that this phone did not name: another phone of the same officer sent one. Both are looked at together.
  const others = Array.isArray((entry?.problem?.present as { parts?: unknown } | undefined)?.parts)
  const again = await safe.sealDraft({ ...(others ? meet(draft) : draft), stage: 'filling', revision: draft.revision + 1 })
  const tx = safe.db.transaction(['outbox', 'drafts'], 'readwrite')
  await tx.objectStore('drafts').put(again)
  await tx.objectStore('outbox').delete(id)
  await tx.done
}
