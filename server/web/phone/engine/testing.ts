/** For tests only: a server in memory that keeps to the contract and can lose answers, and what a draft needs. */
import { ApiClient } from '@shared/api/client'
import type { Session } from '@shared/api/session'
import { canonicalSha256, sha256Hex } from '@shared/canonical'
import { uuidv7 } from '@shared/ids'
import type { Template } from '@shared/inspection'
import { answer, beginDraft, type Draft } from './draft'
import { Keys } from './keys'
import { Safe } from './safe'
import type { PhoneDb } from './db'

export const template: Template = {
  id: uuidv7(), code: 'school_canteen', version: 1, name: { zh: '学校食堂', en: 'School canteen' }, premises_kinds: ['school_canteen'],
  body: {
    rule: { general_limit: 8, points_key: 3, points_general: 1, grades: [{ min: 90, grade: 'excellent' }] },
    sections: [{
      code: '1', name: { zh: '一', en: 'One' }, items: [
        { code: '1.1', key: true, text: { zh: '甲', en: 'A' }, basis: 'x', min_photos: 0, photo_on_fail: true },
        { code: '1.2', key: false, text: { zh: '乙', en: 'B' }, basis: 'x', number: { unit: 'g', min: 125, label: { zh: '重', en: 'w' } } },
        { code: '1.3', key: false, text: { zh: '丙', en: 'C' }, basis: 'x', min_photos: 1 },
      ],
    }],
  },
}

export function draftOf(userId = uuidv7()): Draft {
  return beginDraft({
    userId, premises: { id: uuidv7(), name: '澄海实验学校食堂', kind: 'school_canteen' }, template, kind: 'routine',
    officers: [{ id: userId, display_name: '陈警' }], device: { id: 'phone-1' },
  })
}

export async function safeOf(db: PhoneDb, userId: string): Promise<Safe> {
  return new Safe(db, await Keys.fresh(userId))
}

export async function addPhoto(safe: Safe, draft: Draft, bytes: number, code = '1.3'): Promise<string> {
  const content = new Uint8Array(bytes).map((_, index) => (index * 31 + bytes) & 255)
  const id = uuidv7()
  const sha256 = await sha256Hex(content)
  const blob = new Blob([content], { type: 'image/jpeg' })
  await safe.putFile({ id, inspection_id: draft.id, user_id: draft.user_id, blob, preview: null, sha256, filetype: 'image/jpeg', bytes })
  draft.evidence.push({ id, kind: 'photo', sha256, filetype: 'image/jpeg', bytes, taken_at: new Date().toISOString(), item_code: code })
  answer(draft, code, { evidence_ids: [...(draft.answers[code]?.evidence_ids ?? []), id] })
  return id
}

/** A photo with its reduced copy, as the phone takes it. */
export async function addReduced(safe: Safe, draft: Draft, bytes: number, code = '1.3'): Promise<{ taken: string; reduced: string }> {
  const taken = await addPhoto(safe, draft, bytes, code)
  const { sha256 } = draft.evidence.find((one) => one.id === taken)!
  const reduced = await addPhoto(safe, draft, 700, code)
  Object.assign(draft.evidence.find((one) => one.id === reduced)!, { derived: { from: taken, sha256, made_by: ['reduced'] } })
  answer(draft, code, { evidence_ids: draft.answers[code]!.evidence_ids.filter((one) => one !== reduced) })
  return { taken, reduced }
}

export interface Upload { evidence_id: string; sha256: string; length: number; bytes: Uint8Array; whole: boolean }
export type Fault = (method: string, path: string, count: number) => 'before' | 'after' | Response | null

const problem = (status: number, type: string, more: object = {}) =>
  new Response(JSON.stringify({ type, title: type, status, ...more }), { status, headers: { 'content-type': 'application/problem+json' } })
const answerJson = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

interface Submission { parts: { content_sha256: string }[]; result: unknown }

export class MemoryServer {
  readonly inspections = new Map<string, { header: string; part: string; revision: number; submits: number; submitted?: string }>()
  readonly uploads = new Map<string, Upload>()
  /** Sealed copies of drafts, as they came. */
  readonly copies = new Map<string, { draft_id: string; revision: number; bytes: ArrayBuffer }>()
  /** What was brought by the door of late arrivals. */
  readonly late: { path: string; body: unknown; token: string | null }[] = []
  readonly requests: string[] = []
  fault: Fault = () => null

  client(): ApiClient {
    const session: Session = { access_token: 'a', refresh_token: 'r', expires_at: Number.MAX_SAFE_INTEGER }
    return new ApiClient({
      store: { load: () => session, save: () => undefined }, deviceId: 'phone-1', language: () => 'en',
      fetch: ((url: string, init: RequestInit) => this.fetch(url, init)) as typeof fetch,
    })
  }

  /** How many files are here whole, by their evidence. */
  whole(): string[] {
    return [...this.uploads.values()].filter((one) => one.whole).map((one) => one.evidence_id)
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const method = init.method ?? 'GET'
    const path = url.replace('/api/v1', '')
    const kind = `${method} ${path.replace(/[0-9a-f-]{36}/g, '*')}`
    this.requests.push(kind)
    const fault = this.fault(method, path, this.requests.filter((one) => one === kind).length)
    if (fault === 'before') throw new TypeError('failed to fetch')
    if (fault instanceof Response) return fault
    const response = await this.answer(method, path, init)
    if (fault === 'after') throw new TypeError('failed to fetch')
    return response
  }

  private async answer(method: string, path: string, init: RequestInit): Promise<Response> {
    const [, area, id, action] = path.split('/')
    if (area === 'inspections' && method === 'PUT') return this.put(id!, JSON.parse(String(init.body)))
    if (area === 'inspections' && action === 'submit') return this.submit(id!, JSON.parse(String(init.body)))
    if (area === 'uploads') return this.tus(method, id, init)
    if (area?.startsWith('drafts')) return this.drafts(method, path, init)
    if (area === 'late') {
      const text = typeof init.body === 'string'
      this.late.push({ path: path.split('?')[0]!, body: text ? JSON.parse(String(init.body)) : await new Response(init.body).arrayBuffer(), token: new Headers(init.headers).get('X-Late-Token') })
      return answerJson(201, {})
    }
    return problem(404, 'not_found')
  }

  private async drafts(method: string, path: string, init: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(path, 'http://x')
    const id = pathname.split('/')[2]
    if (!id) return answerJson(200, { items: [...this.copies].map(([one, { draft_id, revision }]) => ({ id: one, draft_id, revision })) })
    if (method === 'GET') return this.copies.has(id) ? new Response(this.copies.get(id)!.bytes) : problem(404, 'not_found')
    if (method === 'DELETE') {
      for (const [one, copy] of this.copies) if (one === id || copy.draft_id === id) this.copies.delete(one)
      return new Response(null, { status: 204 })
    }
    const revision = Number(searchParams.get('revision'))
    const had = this.copies.get(id)
    if (had && had.revision >= revision) return problem(409, 'conflict', { present: { revision: had.revision } })
    this.copies.set(id, { draft_id: searchParams.get('draft_id')!, revision, bytes: await new Response(init.body).arrayBuffer() })
    return answerJson(200, {})
  }

  private async put(id: string, body: { header: unknown; content_sha256: string; part: { content: unknown; content_sha256: string; revision: number }; submission?: Submission }) {
    if ((await canonicalSha256(body.header)) !== body.content_sha256) return problem(422, 'validation')
    if ((await canonicalSha256(body.part.content)) !== body.part.content_sha256) return problem(422, 'validation')
    const had = this.inspections.get(id)
    if (had && (had.header !== body.content_sha256 || (had.part !== body.part.content_sha256 && had.revision >= body.part.revision))) {
      return problem(409, 'conflict', { present: { content_sha256: had.part }, offered: { content_sha256: body.part.content_sha256 } })
    }
    this.inspections.set(id, { submits: 0, ...had, header: body.content_sha256, part: body.part.content_sha256, revision: body.part.revision })
    this.evidence.set(id, (body.part.content as { evidence: { id: string; sha256: string }[] }).evidence)
    const submitted = body.submission && (await this.submit(id, body.submission))
    if (submitted && !submitted.ok) return submitted
    return answerJson(had ? 200 : 201, { submitted: await submitted?.json() })
  }

  private readonly evidence = new Map<string, { id: string; sha256: string; derived?: { from: string } }[]>()

  private submit(id: string, body: Submission) {
    const had = this.inspections.get(id)
    if (!had) return problem(404, 'not_found')
    if (body.parts[0]?.content_sha256 !== had.part) return problem(409, 'conflict')
    had.submits += had.submitted ? 0 : 1
    had.submitted = had.part
    const here = new Set(this.whole())
    const named = this.evidence.get(id) ?? []
    // As the rule has it: a photo with a reduced copy is not waited for.
    const copied = new Set(named.flatMap((one) => (one.derived ? [one.derived.from] : [])))
    const missing = named.filter((one) => !here.has(one.id) && !copied.has(one.id))
    return answerJson(200, { state: missing.length ? 'submitted' : 'complete', missing_evidence: missing, result: body.result, differs: false })
  }

  private async tus(method: string, id: string | undefined, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (method === 'POST') {
      const metadata = Object.fromEntries(headers.get('Upload-Metadata')!.split(',').map((pair) => {
        const [name, value] = pair.split(' ')
        return [name!, atob(value!)]
      }))
      const length = Number(headers.get('Upload-Length'))
      const had = [...this.uploads.entries()].find(([, one]) => one.whole && one.evidence_id === metadata.evidence_id)
      if (had) return new Response(null, { status: 201, headers: { Location: `/api/v1/uploads/${had[0]}`, 'Upload-Offset': String(length) } })
      const begun = [...this.uploads.entries()].find(([, one]) => one.evidence_id === metadata.evidence_id)
      if (begun) return new Response(null, { status: 201, headers: { Location: `/api/v1/uploads/${begun[0]}`, 'Upload-Offset': String(begun[1].bytes.length) } })
      const made = uuidv7()
      this.uploads.set(made, { evidence_id: metadata.evidence_id!, sha256: metadata.sha256!, length, bytes: new Uint8Array(), whole: false })
      const refused = await this.append(made, new Uint8Array(init.body as ArrayBuffer))
      return refused ?? new Response(null, { status: 201, headers: { Location: `/api/v1/uploads/${made}`, 'Upload-Offset': String(this.uploads.get(made)!.bytes.length) } })
    }
    const one = this.uploads.get(id ?? '')
    if (!one) return problem(404, 'not_found')
    if (method === 'HEAD') return new Response(null, { status: 200, headers: { 'Upload-Offset': String(one.bytes.length) } })
    if (Number(headers.get('Upload-Offset')) !== one.bytes.length) return problem(409, 'conflict')
    const refused = await this.append(id!, new Uint8Array(init.body as ArrayBuffer))
    return refused ?? new Response(null, { status: 204, headers: { 'Upload-Offset': String(one.bytes.length) } })
  }

  private async append(id: string, piece: Uint8Array): Promise<Response | null> {
    const one = this.uploads.get(id)!
    const bytes = new Uint8Array(one.bytes.length + piece.length)
    bytes.set(one.bytes)
    bytes.set(piece, one.bytes.length)
    one.bytes = bytes
    if (bytes.length < one.length) return null
    if ((await sha256Hex(bytes)) !== one.sha256) {
      this.uploads.delete(id)
      return problem(460, 'checksum_mismatch')
    }
    one.whole = true
    return null
  }
}
