import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { openPhoneDb, type PhoneDb } from './db'
import { answer, type Draft } from './draft'
import { queue, takeBack } from './entry'
import { Outbox } from './outbox'
import type { Safe } from './safe'
import { share } from './team'
import { addPhoto, draftOf, MemoryServer, safeOf } from './testing'
import { PIECE_BYTES } from './tus'

let db: PhoneDb
let safe: Safe
let server: MemoryServer
let draft: Draft
let outbox: Outbox
let now = 1_000_000

const boxOf = (of: Safe) => new Outbox({ api: server.client(), safe: () => of, now: () => now, random: () => 0.5 })
const first = async () => (await safe.entries())[0]!

const refusal = (status: number, type: string, more: object = {}) =>
  new Response(JSON.stringify({ type, title: type, status, ...more }), { status })

beforeEach(async () => {
  db = await openPhoneDb(`test-${Math.random()}`)
  server = new MemoryServer()
  draft = draftOf()
  safe = await safeOf(db, draft.user_id)
  now = 1_000_000
  answer(draft, '1.1', { result: 'conforms' })
  answer(draft, '1.2', { result: 'fails', affects_safety: false, remark: '偏轻', number: 90 })
  answer(draft, '1.3', { result: 'conforms' })
  await addPhoto(safe, draft, 900)
  await addPhoto(safe, draft, 2 * PIECE_BYTES + 17)
  await safe.putDraft(draft)
  await queue(safe, draft, 12_345)
  outbox = boxOf(safe)
})

/** The same as the lead of two officers, who sends the submission when all parts are there. */
async function asLead(): Promise<void> {
  share(draft, [...draft.officers, { id: 'li', display_name: '李梅' }], {})
  const content = { device_id: 'phone-2', answers: [], evidence: [], locations: [], signatures: [], clock: { device_time: '2026-11-23T06:05:00.000Z', monotonic_ms: 1 } }
  draft.team!.parts.push({ id: 'part of li', owner_id: 'li', owner_name: '李梅', revision: 1, content_sha256: 'x', content })
  await safe.putDraft(draft)
  await queue(safe, draft, 12_345)
}

/** Everything arrived, once, and the phone has let it go. */
async function expectSent(): Promise<void> {
  expect(await db.count('outbox')).toBe(0)
  expect((await db.get('drafts', draft.id))?.stage).toBe('sent')
  expect([...server.inspections.values()].map((one) => one.submits)).toEqual([1])
  expect(server.whole().sort()).toEqual(draft.evidence.map((one) => one.id).sort())
  expect((await db.getAll('files')).every((file) => file.content === null)).toBe(true)
}

describe('the outbox', () => {
  it('sends header, part, files in pieces and submission, once', async () => {
    await outbox.kick()
    await expectSent()
    // The small photo goes with its creation, of the large one the first of three pieces; what was acknowledged is not asked for again.
    expect(server.requests).toEqual(['PUT /inspections/*', 'POST /uploads', 'POST /uploads', 'PATCH /uploads/*', 'PATCH /uploads/*'])
    await outbox.kick()
    expect(server.requests.filter((one) => one.startsWith('PUT'))).toHaveLength(1)
  })

  it('sends an inspection without files in one request', async () => {
    const plain = draftOf(draft.user_id)
    for (const code of ['1.1', '1.2', '1.3']) answer(plain, code, { result: 'conforms' })
    await safe.putDraft(plain)
    await outbox.kick()
    server.requests.length = 0
    await queue(safe, plain, 1)
    await outbox.kick()
    expect(server.requests).toEqual(['PUT /inspections/*'])
    expect(await safe.draft(plain.id)).toMatchObject({ stage: 'sent', differs: false })
    expect(server.inspections.get(plain.id)).toMatchObject({ submits: 1 })
  })

  it('brings the submission before the files', async () => {
    server.fault = (method) => (method === 'PATCH' ? 'before' : null)
    await outbox.kick()
    expect(server.inspections.get(draft.id)).toMatchObject({ submits: 1 })
    expect(await first()).toMatchObject({ put_done: true, submit_done: true, state: 'waiting' })
    expect((await safe.draft(draft.id))?.server_result, 'the officer sees what the server says').toBeTruthy()
    server.fault = () => null
    await outbox.kick('now')
    await expectSent()
  })

  it.each([
    ['PUT', 'before'], ['PUT', 'after'], ['POST uploads', 'before'], ['POST uploads', 'after'], ['PATCH', 'before'], ['PATCH', 'after'],
    ['POST submit', 'before'], ['POST submit', 'after'],
  ] as const)('survives losing a %s %s the server heard it', async (request, when) => {
    if (request === 'POST submit') await asLead()
    let lost = false
    server.fault = (method, path) => {
      const [wanted, area] = request.split(' ')
      if (lost || method !== wanted || (area && !path.includes(area))) return null
      lost = true
      return when
    }
    await outbox.kick()
    const waiting = await first()
    expect(waiting).toMatchObject({ state: 'waiting', attempts: 1, next_at: now + 2_000 })
    await outbox.kick()
    expect(await db.count('outbox'), 'not before its time').toBe(1)
    now += 2_000
    await outbox.kick()
    await expectSent()
  })

  it('loses every second answer and still sends everything exactly once', async () => {
    let turn = 0
    server.fault = () => ((turn += 1) % 2 === 0 ? 'after' : null)
    for (let tries = 0; tries < 40 && (await db.count('outbox')) > 0; tries += 1) await outbox.kick('now')
    await expectSent()
  })

  it('goes on where a file stopped, even after the app was closed', async () => {
    server.fault = (method, _path, count) => (method === 'PATCH' && count === 2 ? 'before' : null)
    await outbox.kick()
    const sent = (await first()).files.map((file) => file.sent_bytes)
    expect(sent).toContain(2 * PIECE_BYTES)
    server.fault = () => null
    server.requests.length = 0
    await boxOf(safe).kick('now')
    await expectSent()
    expect(server.requests.filter((one) => one.startsWith('PATCH'))).toHaveLength(1)
  })

  it('creates an upload again that the server has forgotten', async () => {
    server.fault = (method, _path, count) => (method === 'PATCH' && count === 2 ? 'before' : null)
    await outbox.kick()
    for (const [id, upload] of server.uploads) if (!upload.whole) server.uploads.delete(id)
    await outbox.kick('now')
    await expectSent()
  })

  it('sends what the server still misses', async () => {
    await asLead()
    let submits = 0
    server.fault = (_method, path) => {
      if (path.endsWith('/submit') && (submits += 1) === 1) server.uploads.clear()
      return null
    }
    await outbox.kick()
    await expectSent()
  })

  it('names a conflict, and sends again as a higher revision when the officer takes it back', async () => {
    const other = { ...structuredClone(draft), revision: 1 }
    await outbox.kick()
    answer(other, '1.1', { result: 'fails', affects_safety: true, remark: '过期' })
    await safe.putDraft(other)
    await queue(safe, other, 99)
    await outbox.kick()
    expect(await first()).toMatchObject({ state: 'conflict', problem: { type: 'conflict' } })
    await outbox.kick('now')
    expect(server.requests.filter((one) => one.startsWith('PUT')), 'it waits for the officer').toHaveLength(2)
    await takeBack(safe, other.id)
    expect(await safe.draft(other.id)).toMatchObject({ stage: 'filling', revision: 2 })
  })

  it('keeps what is refused and says why', async () => {
    const errors = [{ pointer: '/part/content/answers/0/remark', code: 'too_long', detail: 'at most 2000 characters' }]
    server.fault = (method) => (method === 'PUT' ? refusal(422, 'validation', { errors }) : null)
    await outbox.kick()
    expect(await first()).toMatchObject({ state: 'refused', problem: { type: 'validation', errors } })
    expect(await db.count('files')).toBe(2)
  })

  it('waits for a login and touches nothing', async () => {
    server.fault = () => refusal(401, 'unauthenticated')
    await outbox.kick()
    expect(await first()).toMatchObject({ state: 'signed_out' })
    expect(await db.count('drafts')).toBe(1)
    server.fault = () => null
    await outbox.kick('now')
    await expectSent()
  })

  it('waits as long as the server asks', async () => {
    server.fault = (method) => (method === 'PUT' ? refusal(429, 'rate_limited', { retry_after_s: 60 }) : null)
    await outbox.kick()
    expect((await first()).next_at).toBe(now + 60_000)
  })

  it('pauses longer after each failure, at most five minutes', async () => {
    server.fault = () => 'before'
    const pauses: number[] = []
    for (let tries = 0; tries < 12; tries += 1) {
      await outbox.kick('now')
      pauses.push((await first()).next_at - now)
    }
    expect(pauses.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000])
    expect(pauses.at(-1)).toBe(300_000)
  })

  it('does not wait longer where each try gets further', async () => {
    await asLead()
    let heard = 0
    // Every third request finds no network: a try asks where a file stopped and carries one piece more.
    server.fault = () => ((heard += 1) % 3 === 0 ? 'before' : null)
    const pauses = []
    for (let tries = 0; tries < 20; tries += 1) {
      await outbox.kick()
      if ((await db.count('outbox')) === 0) break
      pauses.push((await first()).next_at - now)
      now = (await first()).next_at
    }
    await expectSent()
    expect(pauses.length).toBeGreaterThan(2)
    expect(new Set(pauses)).toEqual(new Set([2_000]))
  })

  it('uploads a file again that arrived broken, and stops when it is broken on the phone', async () => {
    const one = draft.evidence[0]!
    server.fault = (method, _path, count) => (method === 'PATCH' && count === 1 ? refusal(460, 'checksum_mismatch') : null)
    await outbox.kick()
    await expectSent()

    const second = draftOf(draft.user_id)
    const id = await addPhoto(safe, second, 500)
    const file = (await safe.file(id))!
    await safe.putFile({ ...file, blob: new Blob(['something else entirely'.padEnd(500)]) })
    await safe.putDraft(second)
    await queue(safe, second, 1)
    server.fault = () => null
    await outbox.kick()
    expect(await first()).toMatchObject({ state: 'refused', problem: { type: 'file_damaged' } })
    expect(one.sha256).toHaveLength(64)
  })

  it('sends only what belongs to whoever is signed in', async () => {
    const other = await safeOf(db, 'somebody else')
    await boxOf(other).kick('all')
    expect(server.requests).toEqual([])
    expect(await boxOf(other).entries()).toEqual([])
    expect(await new Outbox({ api: server.client(), safe: () => null }).entries(), 'locked').toEqual([])
  })
})
