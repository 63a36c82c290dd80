import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { backUp, forgotten, notCopied, restore } from './backup'
import { openPhoneDb, type PhoneDb } from './db'
import { answer, partContent, type Draft } from './draft'
import { Keys } from './keys'
import { freeze, queue, takeBack } from './entry'
import { Outbox } from './outbox'
import { Safe } from './safe'
import { differing, takeParts } from './team'
import { addPhoto, draftOf, MemoryServer, safeOf } from './testing'

let db: PhoneDb
let safe: Safe
let server: MemoryServer
let draft: Draft

beforeEach(async () => {
  db = await openPhoneDb(`backup-${Math.random()}`)
  safe = await safeOf(db, 'u')
  server = new MemoryServer()
  draft = draftOf('u')
  await addPhoto(safe, draft, 700)
  await safe.putDraft(draft)
})

/** The draft's own phone; a test of two phones names the other. */
const device = { id: 'phone-1' }

/** Another phone of the same officer, who has signed in there. */
const newPhone = async () => new Safe(await openPhoneDb(`new-${Math.random()}`), await Keys.of('u', safe.keys.ring))

describe('copies of drafts', () => {
  it('let a new phone go on, with the photos as taken', async () => {
    expect(await notCopied(db, 'u')).toBe(1)
    expect(await backUp(safe, server.client(), 'phone-1')).toBe(2)
    expect(await notCopied(db, 'u')).toBe(0)
    expect(await backUp(safe, server.client(), 'phone-1'), 'nothing new').toBe(0)
    for (const { bytes } of server.copies.values()) expect(new TextDecoder().decode(bytes)).not.toContain('澄海实验学校食堂')
    const there = await newPhone()
    expect(await restore(there, server.client(), device)).toBe(1)
    expect(await there.draft(draft.id)).toEqual(JSON.parse(JSON.stringify(draft)))
    const [photo] = draft.evidence
    expect(await (await there.file(photo!.id))!.blob!.arrayBuffer()).toEqual(await (await safe.file(photo!.id))!.blob!.arrayBuffer())
    expect(await restore(there, server.client(), device), 'once').toBe(0)
  })

  it('are replaced by newer ones only, and never replace what was changed here', async () => {
    await backUp(safe, server.client(), 'phone-1')
    const there = await newPhone()
    await restore(there, server.client(), device)
    await there.putDraft({ ...(await there.draft(draft.id))!, position: 'there' })
    await backUp(there, server.client(), 'phone-2')
    expect(await restore(safe, server.client(), device), 'untouched since its copy: the newer one comes').toBe(1)
    expect((await safe.draft(draft.id))?.position).toBe('there')
    await safe.putDraft({ ...draft, position: 'here' })
    expect(await restore(safe, server.client(), device), 'changed here').toBe(0)
    expect((await safe.draft(draft.id))?.position).toBe('here')
  })

  it('of a paper of the canteen go on at another phone, which sends it as one body', async () => {
    const paper = { ...draftOf('u'), paper: { day: '2026-11-23', slot: 'lunch' }, officers: [] }
    await addPhoto(safe, paper, 300)
    await safe.putDraft(paper)
    await backUp(safe, server.client(), 'phone-1')
    const there = await newPhone()
    expect(await restore(there, server.client(), { id: 'phone-2' })).toBe(2)
    const found = (await there.draft(paper.id))!
    expect([found.device.id, found.paper, found.team, found.evidence.length]).toEqual(['phone-2', paper.paper, undefined, 1])
    const entry = await freeze(found, 1000)
    expect([entry.kind, entry.submit]).toEqual(['self_check', null])
    expect(entry.put).toMatchObject({ content: { day: '2026-11-23', slot: 'lunch', part: { device_id: 'phone-2' } } })
  })

  it('cannot be opened with other keys, and are then left there', async () => {
    await backUp(safe, server.client(), 'phone-1')
    const stranger = new Safe(await openPhoneDb(`other-${Math.random()}`), await Keys.fresh('u'))
    expect(await restore(stranger, server.client(), device)).toBe(0)
    expect(server.copies.size).toBe(2)
  })

  it('go when the draft was thrown away, once there is a network, and do not come back', async () => {
    await backUp(safe, server.client(), 'phone-1')
    await forgotten(safe, draft.id)
    await db.delete('drafts', draft.id)
    expect(await restore(safe, server.client(), device)).toBe(0)
    server.fault = () => 'before'
    await expect(backUp(safe, server.client(), 'phone-1')).rejects.toMatchObject({ type: 'network' })
    server.fault = () => null
    await backUp(safe, server.client(), 'phone-1')
    expect(server.copies.size).toBe(0)
  })

  it('become a part of their own on another phone, under the header that was made first', async () => {
    await backUp(safe, server.client(), 'phone-1')
    const there = await newPhone()
    await restore(there, server.client(), { id: 'phone-2' })
    const came = (await there.draft(draft.id))!
    expect(came.part_id).not.toBe(draft.part_id)
    expect(came.device.id).toBe('phone-2')
    const [first, second] = [await freeze(draft, 1), await freeze(came, 1)]
    expect(second.put.content_sha256, 'the same header').toBe(first.put.content_sha256)
    expect((second.put.part as { content: { device_id: string } }).content.device_id).toBe('phone-2')
    // Back on the first phone, changed meanwhile: it keeps its own part.
    await there.putDraft({ ...came, position: 'there' })
    await backUp(there, server.client(), 'phone-2')
    expect(await restore(safe, server.client(), device)).toBe(1)
    const back = (await safe.draft(draft.id))!
    expect([back.part_id, back.device.id, back.position, back.team?.parts]).toEqual([draft.part_id, 'phone-1', 'there', []])
  })

  it('are looked at together when the other phone has sent its part first', async () => {
    await queue(safe, draft, 1)
    const [entry] = await safe.entries()
    const theirs = [{ id: 'another', content_sha256: 'x' }, { id: draft.part_id, content_sha256: 'y' }]
    await safe.db.put('outbox', await safe.sealEntry({ ...entry!, state: 'conflict', problem: { type: 'conflict', title: '', status: 409, present: { parts: theirs } } }))
    await takeBack(safe, draft.id)
    const again = (await safe.draft(draft.id))!
    expect([again.stage, again.revision, again.team?.role]).toEqual(['filling', 2, 'lead'])
    takeParts(again, { state: 'draft', parts: [{ id: 'another', owner_id: 'u', owner_name: '陈警', revision: 1, content_sha256: 'x', content: { ...partContent(draft, { device_time: draft.started_at, monotonic_ms: 1 }), answers: [{ item_code: '1.1', result: 'fails', remark: '过期', affects_safety: true, answered_at: draft.started_at, evidence_ids: [] }] } }] })
    answer(again, '1.1', { result: 'conforms' })
    expect(differing(again).map((one) => [one.code, one.given.map((given) => [given.elsewhere, given.answer.result])])).toEqual([['1.1', [[false, 'conforms'], [true, 'fails']]]])
    again.team!.choices['1.1'] = 'another'
    const submit = (await freeze(again, 1)).submit as { parts: unknown[]; choices: object }
    expect([submit.parts.length, submit.choices]).toEqual([2, { '1.1': 'another' }])
  })

  it('go when all of it was sent', async () => {
    await backUp(safe, server.client(), 'phone-1')
    await queue(safe, draft, 1)
    await new Outbox({ api: server.client(), safe: () => safe }).kick()
    await backUp(safe, server.client(), 'phone-1')
    expect(server.copies.size).toBe(0)
  })
})

describe('handing over', () => {
  it('brings an inspection with its photos by the door of late arrivals, and keeps them on the phone', async () => {
    await queue(safe, draft, 1)
    const outbox = new Outbox({ api: server.client(), safe: () => safe })
    const [entry] = await outbox.entries()
    server.fault = (_method, path) => (path.includes('/files/') ? 'before' : null)
    await expect(outbox.handOver(draft.id, 'token', 'account_ended')).rejects.toMatchObject({ type: 'network' })
    expect(await db.count('outbox'), 'not before all of it is there').toBe(1)
    server.fault = () => null
    await outbox.handOver(draft.id, 'token', 'account_ended')
    expect(server.late.at(-2)).toMatchObject({ path: `/late/${draft.id}`, body: { token: 'token', reason: 'account_ended', put: entry!.put, submit: entry!.submit } })
    expect(server.late.at(-1)).toMatchObject({ path: `/late/${draft.id}/files/${draft.evidence[0]!.id}`, token: 'token' })
    expect((server.late.at(-1)!.body as ArrayBuffer).byteLength).toBe(700)
    expect(await db.count('outbox')).toBe(0)
    expect(await safe.draft(draft.id)).toMatchObject({ stage: 'sent', handed_over: true })
    expect((await safe.file(draft.evidence[0]!.id))?.blob?.size, 'the file as taken stays').toBe(700)
  })

  it('brings a draft that was never submitted too', async () => {
    await new Outbox({ api: server.client(), safe: () => safe }).handOver(draft.id, 'token', 'account_ended')
    expect((server.late[0]!.body as { submit?: unknown }).submit).toBeUndefined()
    expect(await safe.draft(draft.id)).toMatchObject({ handed_over: true })
  })
})
