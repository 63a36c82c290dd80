import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { OriginalPolicy } from '@shared/inspection'
import { openPhoneDb, type PhoneDb } from './db'
import { answer, type Draft } from './draft'
import { originalsLeft, queue } from './entry'
import { Outbox } from './outbox'
import type { Safe } from './safe'
import { addReduced, draftOf, MemoryServer, safeOf } from './testing'

let db: PhoneDb
let safe: Safe
let server: MemoryServer
let draft: Draft
let wifi: boolean
let ids: { taken: string; reduced: string }

const box = () => new Outbox({ api: server.client(), safe: () => safe, now: () => 1_000_000, random: () => 0.5, originals: () => wifi })
const first = async () => (await safe.entries())[0]

async function submitted(policy?: OriginalPolicy): Promise<void> {
  db = await openPhoneDb(`originals-${Math.random()}`)
  server = new MemoryServer()
  draft = draftOf()
  draft.template = { ...draft.template, body: { ...draft.template.body, ...(policy ? { originals: policy } : {}) } }
  safe = await safeOf(db, draft.user_id)
  answer(draft, '1.3', { result: 'conforms' })
  ids = await addReduced(safe, draft, 5_000)
  await safe.putDraft(draft)
  await queue(safe, draft, 12)
}

beforeEach(async () => {
  wifi = false
  await submitted()
})

describe('photos as taken', () => {
  it('follow when the inspection is complete with their reduced copies, on a network that was chosen', async () => {
    await box().kick()
    expect(server.whole(), 'the reduced copy only').toEqual([ids.reduced])
    expect([...server.inspections.values()][0]).toMatchObject({ submits: 1 })
    const waiting = (await first())!
    expect([waiting.state, waiting.complete, originalsLeft(waiting).map((file) => file.id)]).toEqual(['originals', true, [ids.taken]])
    expect((await safe.file(ids.taken))?.blob, 'kept until it is sent').toBeTruthy()
    await box().kick('now')
    expect(server.whole(), 'no Wi-Fi, no photo as taken').toEqual([ids.reduced])
    wifi = true
    await box().kick('now')
    expect(server.whole().sort()).toEqual([ids.taken, ids.reduced].sort())
    expect([await db.count('outbox'), (await db.get('drafts', draft.id))?.stage]).toEqual([0, 'sent'])
    expect((await db.getAll('files')).every((file) => file.content === null)).toBe(true)
    expect([...server.inspections.values()][0]).toMatchObject({ submits: 1 })
  })

  it('do not hold up the next inspection', async () => {
    wifi = true
    const other = draftOf(draft.user_id)
    answer(other, '1.3', { result: 'conforms' })
    const second = await addReduced(safe, other, 6_000)
    await safe.putDraft(other)
    await queue(safe, other, 13)
    await box().kick()
    const order = [...server.uploads.values()].map((one) => one.evidence_id)
    const place = (id: string) => order.indexOf(id)
    expect(Math.max(place(ids.reduced), place(second.reduced))).toBeLessThan(Math.min(place(ids.taken), place(second.taken)))
    expect(await db.count('outbox')).toBe(0)
  })

  it('stop where the network goes, and go on', async () => {
    wifi = true
    server.fault = (_method, path, count) => (path === '/uploads' && count === 2 ? 'before' : null)
    await box().kick()
    expect(await first()).toMatchObject({ state: 'waiting', complete: true })
    server.fault = () => null
    server.requests.length = 0
    await box().kick('now')
    expect(await db.count('outbox')).toBe(0)
    expect(server.requests.some((one) => one.includes('submit') || one.startsWith('PUT')), 'the inspection is not sent again').toBe(false)
  })

  it('stay on the phone where the template says never, as long as the draft', async () => {
    await submitted('never')
    await box().kick()
    expect(server.whole()).toEqual([ids.reduced])
    expect([await db.count('outbox'), (await db.get('drafts', draft.id))?.stage]).toEqual([0, 'sent'])
    expect((await safe.file(ids.taken))?.blob, 'still here').toBeTruthy()
    expect((await safe.file(ids.reduced))?.blob).toBeNull()
  })

  it('go first where a server waits for them, which does not know reduced copies', async () => {
    // An older server takes the submission by itself, and names everything that has not come.
    const missing = { state: 'submitted', missing_evidence: [{ id: ids.taken, sha256: 'x' }], result: {}, differs: false }
    server.fault = (method, path) => (method === 'PUT' ? Response.json({}, { status: 201 }) : path.endsWith('/submit') ? Response.json(missing) : null)
    await box().kick()
    expect(server.whole().sort()).toEqual([ids.taken, ids.reduced].sort())
    expect(await db.count('outbox')).toBe(0)
  })

  it('wait where the disk of the server is full, and are kept', async () => {
    wifi = true
    let full = true
    server.fault = (_method, path) => (path === '/uploads' && full ? new Response(JSON.stringify({ type: 'storage_full', title: 'x', status: 507, retry_after_s: 60 }), { status: 507 }) : null)
    await box().kick()
    expect(await first()).toMatchObject({ state: 'waiting', next_at: 1_060_000, problem: { type: 'storage_full' } })
    expect((await safe.file(ids.taken))?.blob).toBeTruthy()
    full = false
    await box().kick('now')
    expect(server.whole()).toHaveLength(2)
    expect(await db.count('outbox')).toBe(0)
  })
})
