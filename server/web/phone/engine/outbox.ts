/**
 * How what waits is sent. An entry leaves only when the server has the inspection and all its
 * evidence. The order: header, part and, where no other part is waited for, the submission, so that seconds of a network bring what was
 * found; files; the submission, where it waited, and what the server misses then; last, when nothing of any entry is more urgent and the
 * network is one for it, the photos as taken whose reduced copies went first.
 */
import { call, send, type Body } from '@shared/api/call'
import { postFiles, postInspectionsIdSubmit, putIncidentsId, putInspectionsId, putLateId, putLateIdFilesEvidenceId, putSelfChecksId } from '@shared/api/generated.operations'
import { Problem, asProblem } from '@shared/api/problem'
import { sha256Hex } from '@shared/canonical'
import type { Judgement } from '@shared/inspection'
import type { SigningLack } from '@shared/signing'
import type { Receipt } from './draft'
import { freeze, originalsLeft, type FileState, type OutboxEntry } from './entry'
import type { Safe } from './safe'
import { upload, type Transport } from './tus'

export type LateReason = 'account_ended' | 'not_permitted' | 'refused'

/** `due`: what has waited long enough. `now`: what waits, the network is back. `all`: what was refused too, the officer asks. */
export type Urgency = 'due' | 'now' | 'all'

export interface Submitted { state: 'submitted' | 'complete'; missing_evidence: { id: string }[]; result: Judgement; differs: boolean; to_complete?: SigningLack[]; drawn_sha256?: string | null; drawn_differs?: boolean; receipt?: Receipt | null }

const BACK_OFF_MS = 2_000
const BACK_OFF_MS_MAX = 300_000
const RESTARTS_MAX = 3
const ROUNDS_MAX = 3

export interface OutboxOptions {
  api: Transport
  /** Whose entries are sent; nobody's while nobody is signed in, or while what is kept is locked. */
  safe: () => Safe | null
  changed?: () => void
  /** Whether the network is one on which photos as taken may go; any is where nothing is said. */
  originals?: () => boolean
  now?: () => number
  random?: () => number
}

export class Outbox {
  private running: Promise<void> | null = null
  private again: Urgency | null = null

  constructor(private readonly options: OutboxOptions) {}

  /** Runs one at a time, in one tab; asked again meanwhile, it runs once more. */
  kick(urgency: Urgency = 'due'): Promise<void> {
    if (this.running) {
      if (urgency !== 'due') this.again = urgency
      return this.running
    }
    this.running = this.exclusive(() => this.run(urgency)).finally(() => {
      this.running = null
      const again = this.again
      this.again = null
      if (again) void this.kick(again)
    })
    return this.running
  }

  async entries(): Promise<OutboxEntry[]> {
    return (await this.options.safe()?.entries()) ?? []
  }

  /** When the next try is due, for the timer; null when nothing waits for a time. */
  async nextAt(): Promise<number | null> {
    const times = (await this.entries()).filter((entry) => entry.state === 'waiting' || entry.state === 'queued' || entry.state === 'sending')
    return times.length === 0 ? null : Math.min(...times.map((entry) => entry.next_at))
  }

  private async exclusive(work: () => Promise<void>): Promise<void> {
    const locks = typeof navigator === 'undefined' ? undefined : navigator.locks
    if (!locks) return work()
    await locks.request('bk.outbox', { ifAvailable: true }, async (lock) => {
      if (lock) await work()
    })
  }

  private async run(urgency: Urgency): Promise<void> {
    // Suspected food poisoning goes before everything else, however many photos of inspections wait.
    const first = (entry: OutboxEntry) => Number(entry.kind !== 'incident')
    for (const entry of (await this.entries()).sort((one, other) => first(one) - first(other))) {
      const blocked = entry.state === 'conflict' || entry.state === 'refused'
      if (urgency !== 'all' && blocked) continue
      if (urgency === 'due' && entry.next_at > this.now()) continue
      // Photos as taken wait until nothing else does.
      if (entry.complete) continue
      if (!this.options.safe() || !(await this.send(entry))) return
    }
    for (const entry of await this.entries()) {
      if (!entry.complete || (urgency === 'due' && entry.next_at > this.now())) continue
      if ((entry.state === 'refused' || entry.state === 'conflict') && urgency !== 'all') continue
      if (!this.mayOriginals()) {
        if (entry.state !== 'originals') await this.rest(entry)
        continue
      }
      if (!this.options.safe() || !(await this.send(entry))) return
    }
  }

  private mayOriginals(): boolean {
    return this.options.originals?.() ?? true
  }

  private rest(entry: OutboxEntry): Promise<void> {
    entry.state = 'originals'
    entry.next_at = 0
    delete entry.problem
    return this.keep(entry)
  }

  /** The server has all that it waits for. What is left are photos as taken, or nothing. */
  private async settled(entry: OutboxEntry): Promise<void> {
    if (originalsLeft(entry).length === 0) return this.finish(entry)
    entry.complete = true
    entry.attempts = 0
    await this.rest(entry)
  }

  /** Photos as taken, one after the other; the network may change between two. */
  private async originals(entry: OutboxEntry): Promise<void> {
    for (const file of originalsLeft(entry).sort((one, other) => one.bytes - other.bytes)) {
      if (!this.mayOriginals()) return this.rest(entry)
      while (!file.done) await this.file(entry, file)
    }
    await this.finish(entry)
  }

  private get safe(): Safe {
    const safe = this.options.safe()
    if (!safe) throw new Problem({ type: 'unauthenticated', title: 'locked', status: 401 })
    return safe
  }

  /** False when trying the next entry makes no sense either: no network, nobody signed in. */
  private async send(entry: OutboxEntry): Promise<boolean> {
    entry.state = 'sending'
    delete entry.problem
    await this.keep(entry)
    const before = reached(entry)
    try {
      await this.steps(entry)
      return true
    } catch (error) {
      // A network that is cut again and again, but carries more each time, is not waited for longer each time.
      if (reached(entry) > before) entry.attempts = 0
      return this.failed(entry, asProblem(error))
    }
  }

  private async steps(entry: OutboxEntry): Promise<void> {
    if (entry.complete) return this.originals(entry)
    if (entry.kind === 'self_check') return this.paper(entry)
    if (entry.kind === 'incident') return this.paper(entry)
    if (entry.kind === 'act') return this.act(entry)
    if (!entry.put_done) {
      const body = standsAlone(entry) ? { ...entry.put, submission: entry.submit } : entry.put
      const { submitted } = await call(this.options.api, putInspectionsId, { path: { id: entry.id }, body: body as Body<'put_inspections_id'> })
      entry.put_done = true
      if (submitted) ours(entry, await this.told(entry, submitted as Submitted)).forEach(forget)
      await this.keep(entry)
    }
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      await this.files(entry)
      // Whoever has no submission to send, or has the answer to it, need not ask: a file that was acknowledged is there.
      if (!entry.submit || entry.submit_done) return this.settled(entry)
      // The same submission again is answered by what the server has by now; no key is needed, and none may freeze the answer.
      const answer = (await call(this.options.api, postInspectionsIdSubmit, { path: { id: entry.id }, body: entry.submit as Body<'post_inspections_id_submit'> })) as Submitted
      const missing = ours(entry, await this.told(entry, answer))
      if (missing.length === 0) return this.settled(entry)
      missing.forEach(forget)
      await this.keep(entry)
    }
    throw new Problem({ type: 'evidence_missing', title: 'evidence_missing', status: 0 })
  }

  /** What is said goes first, then its files; put once more, the same again is answered with what is missing by then. */
  private async paper(entry: OutboxEntry): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const answer = entry.kind === 'incident'
        ? await call(this.options.api, putIncidentsId, { path: { id: entry.id }, body: entry.put as Body<'put_incidents_id'> })
        : await call(this.options.api, putSelfChecksId, { path: { id: entry.id }, body: entry.put as Body<'put_self_checks_id'> })
      const missing = new Set(answer.missing_evidence.map((one) => one.id))
      for (const file of entry.files) {
        if (missing.has(file.id)) { if (entry.put_done) forget(file) } else if (file.standing !== 'to_come') Object.assign(file, { done: true, sent_bytes: file.bytes })
      }
      entry.put_done = true
      await this.keep(entry)
      if (missing.size === 0) return this.settled(entry)
      await this.files(entry)
    }
    throw new Problem({ type: 'evidence_missing', title: 'evidence_missing', status: 0 })
  }

  /** Pictures first: one that was sent twice is there twice, and what no act names goes by itself. Then the act, under the entry's key: sent twice it counts once. */
  private async act(entry: OutboxEntry): Promise<void> {
    for (const file of entry.files) {
      if (file.path) continue
      const stored = await this.safe.file(file.id)
      if (!stored?.blob) throw new Problem({ type: 'file_lost', title: 'file_lost', status: 0 })
      const kept = await call(this.options.api, postFiles, { body: { content: stored.blob, type: stored.filetype } })
      file.path = kept.id
      Object.assign(file, { done: true, sent_bytes: file.bytes })
      await this.keep(entry)
    }
    const given = new Map(entry.files.map((file) => [file.id, file.path]))
    const body = JSON.parse(JSON.stringify(entry.put), (_key, value: unknown) => (typeof value === 'string' ? given.get(value) ?? value : value)) as object
    await this.options.api.response('POST', entry.path!, { body, headers: { 'Idempotency-Key': entry.id } })
    await this.finish(entry)
  }

  private async files(entry: OutboxEntry): Promise<void> {
    // Small ones first: signatures and what is seen soonest. Photos as taken come when the desk has all of these.
    for (const file of entry.files.filter((one) => one.standing !== 'to_come').sort((one, other) => one.bytes - other.bytes)) {
      while (!file.done) await this.file(entry, file)
    }
  }

  private async file(entry: OutboxEntry, file: FileState): Promise<void> {
    const stored = await this.safe.file(file.id)
    if (!stored) throw new Problem({ type: 'file_lost', title: 'file_lost', status: 0 })
    try {
      // One that was sent before and let go here is told by the server; one that is nowhere stops for lack of bytes.
      await upload(this.options.api, { ...stored, blob: stored.blob ?? new Blob([]) }, file.path, {
        created: async (path) => {
          file.path = path
          await this.keep(entry)
        },
        progress: (bytes) => {
          file.sent_bytes = bytes
          void this.keep(entry)
        },
      })
      file.done = true
      file.sent_bytes = file.bytes
      await this.keep(entry)
    } catch (error) {
      const problem = asProblem(error)
      if (!stored.blob && problem.type === 'upload_stuck') throw new Problem({ type: 'file_lost', title: 'file_lost', status: 0 })
      const again = problem.status === 460 || problem.status === 409
      if (!again || file.restarts >= RESTARTS_MAX) throw error
      if (problem.status === 460 && (await sha256Hex(await (stored.blob ?? new Blob([])).arrayBuffer())) !== stored.sha256) {
        throw new Problem({ type: 'file_damaged', title: 'file_damaged', status: 0 })
      }
      file.restarts += 1
      if (problem.status === 460) Object.assign(file, { done: false, sent_bytes: 0, path: undefined })
      await this.keep(entry)
    }
  }

  /**
   * Brings an inspection to a supervisor by the door that stays open when its officer may not send it any more. `token` is a
   * refresh token of the officer's, also of a login that has ended. What is there already is not sent again.
   */
  async handOver(id: string, token: string, reason: LateReason): Promise<void> {
    const safe = this.safe
    const entry = (await safe.entries()).find((one) => one.id === id)
    // Only inspections have a door for what comes too late; the rest stays on the phone.
    if (entry?.kind) return
    const draft = await safe.draft(id)
    const frozen = entry ?? (draft ? await freeze(draft, performance.now()) : null)
    if (!frozen) return
    const submit = entry?.submit ?? undefined
    await send(this.options.api, putLateId, { path: { id }, body: { token, reason, put: frozen.put, submit } as Body<'put_late_id'> })
    for (const state of frozen.files) {
      const file = await safe.file(state.id)
      if (!file?.blob) continue
      await send(this.options.api, putLateIdFilesEvidenceId, {
        path: { id, evidence_id: file.id }, query: { sha256: file.sha256, filetype: file.filetype }, header: { 'X-Late-Token': token },
        body: { content: file.blob, type: 'application/octet-stream' },
      })
    }
    const handed = draft ? await safe.sealDraft({ ...draft, stage: 'sent', handed_over: true, submitted_at: draft.submitted_at ?? new Date(this.now()).toISOString() }) : null
    const tx = safe.db.transaction(['outbox', 'drafts'], 'readwrite')
    // The files as taken stay on this phone until somebody has accepted it: prune lets go of them in time.
    if (handed) await tx.objectStore('drafts').put(handed)
    await tx.objectStore('outbox').delete(id)
    await tx.done
    this.options.changed?.()
  }

  private async told(entry: OutboxEntry, answer: Submitted): Promise<Submitted> {
    entry.submit_done = true
    const draft = await this.safe.draft(entry.id)
    if (draft) await this.safe.putDraft({ ...draft, server_result: answer.result, differs: answer.differs, to_complete: answer.to_complete, drawn_sha256: answer.drawn_sha256, drawn_differs: answer.drawn_differs, receipt: answer.receipt })
    await this.keep(entry)
    return answer
  }

  /** The server has all of it: the originals are let go, the small pictures stay. */
  private async finish(entry: OutboxEntry): Promise<void> {
    await this.keeping
    const draft = await this.safe.draft(entry.id)
    const sent = draft ? await this.safe.sealDraft({ ...draft, stage: 'sent' }) : null
    const tx = this.safe.db.transaction(['outbox', 'drafts', 'files'], 'readwrite')
    if (sent) await tx.objectStore('drafts').put(sent)
    for (const state of entry.files) {
      const file = await tx.objectStore('files').get(state.id)
      // Of an act nothing is shown here afterwards.
      if (file && (entry.kind === 'act' || entry.kind === 'incident')) await tx.objectStore('files').delete(state.id)
      else if (file) await tx.objectStore('files').put({ ...file, content: null })
    }
    await tx.objectStore('outbox').delete(entry.id)
    await tx.done
    this.options.changed?.()
  }

  private async failed(entry: OutboxEntry, problem: Problem): Promise<boolean> {
    const { type, title, status, detail, errors, present } = problem.body
    entry.problem = { type, title, status, detail, errors, present }
    entry.attempts += 1
    // 507: the server's disk is full; all stays here and is tried again.
    const later = status === 426 || status === 0 || status >= 500 || status === 408 || status === 423 || status === 429
    // A part that came from phone to phone is named here before its own phone has sent it.
    const onTheWay = status === 409 && awaits(entry, present)
    if (onTheWay) entry.problem = { ...entry.problem, type: 'part_on_its_way' }
    if (status === 401 || type === 'password_change_required' || type === 'second_factor_required') entry.state = 'signed_out'
    else if (onTheWay) entry.state = 'waiting'
    else if (type === 'file_lost' || type === 'file_damaged') entry.state = 'refused'
    else if (status === 409) entry.state = 'conflict'
    else entry.state = later || status === 460 ? 'waiting' : 'refused'
    const pause = Math.min(BACK_OFF_MS * 2 ** Math.min(entry.attempts - 1, 10), BACK_OFF_MS_MAX)
    const asked = (problem.body.retry_after_s ?? 0) * 1000
    entry.next_at = this.now() + Math.max(asked, Math.round(pause * (0.75 + this.random() / 2)))
    await this.keep(entry)
    return type !== 'network' && entry.state !== 'signed_out'
  }

  private keeping: Promise<void> = Promise.resolve()

  /** One after the other: sealing takes its time, and an older state must not come last. */
  private keep(entry: OutboxEntry): Promise<void> {
    const safe = this.options.safe()
    const kept = structuredClone({ ...entry, files: entry.files.map((file) => ({ ...file })) })
    this.keeping = this.keeping.catch(() => undefined).then(async () => {
      if (!safe) return
      const record = await safe.sealEntry(kept)
      const tx = safe.db.transaction('outbox', 'readwrite')
      // A late progress note must not bring back an entry that has been finished.
      if (await tx.store.get(kept.id)) await tx.store.put(record)
      await tx.done
      this.options.changed?.()
    })
    return this.keeping
  }

  private now(): number {
    return (this.options.now ?? Date.now)()
  }

  private random(): number {
    return (this.options.random ?? Math.random)()
  }
}

/** Whether all that keeps a submission back is a part that the server does not have yet. */
function awaits(entry: OutboxEntry, present: unknown): boolean {
  const named = (entry.submit?.parts ?? []) as { id: string; content_sha256: string }[]
  const there = (present as { parts?: { id: string; content_sha256: string }[] } | undefined)?.parts
  if (!there || there.length >= named.length) return false
  return there.every((one) => named.some((part) => part.id === one.id && part.content_sha256 === one.content_sha256))
}

/** Whether the submission names this phone's part and no other: then nothing has to be waited for. */
function standsAlone(entry: OutboxEntry): boolean {
  const named = (entry.submit?.parts ?? []) as { id: string }[]
  return named.length === 1 && named[0]!.id === (entry.put.part as { id: string } | undefined)?.id
}

/** Of what the server misses, the files of this phone: another officer's come from theirs. */
function ours(entry: OutboxEntry, { missing_evidence }: Submitted): FileState[] {
  const missing = new Set(missing_evidence.map((one) => one.id))
  return entry.files.filter((file) => missing.has(file.id))
}

/** How far an entry is on its way; grows with each thing that the server is known to have. */
function reached(entry: OutboxEntry): number {
  const files = entry.files.reduce((sum, file) => sum + file.sent_bytes + Number(file.path !== undefined) + Number(file.done), 0)
  return files + Number(entry.put_done) + Number(entry.submit_done)
}

/** What the server waits for is sent at once, whatever was planned. */
function forget(file: FileState): void {
  file.standing = 'needed'
  file.done = false
  file.sent_bytes = 0
  delete file.path
}
