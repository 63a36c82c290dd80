import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { backUp, forgotten, notCopied, restore } from './backup'
import { openPhoneDb, type PhoneDb } from './db'
import type { Draft } from './draft'
import { Keys } from './keys'
import { Outbox, queue } from './outbox'
import { Safe } from './safe'
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
    expect(await restore(there, server.client())).toBe(1)
    expect(await there.draft(draft.id)).toEqual(JSON.parse(JSON.stringify(draft)))
    const [photo] = draft.evidence
    expect(await (await there.file(photo!.id))!.blob!.arrayBuffer()).toEqual(await (await safe.file(photo!.id))!.blob!.arrayBuffer())
    expect(await restore(there, server.client()), 'once').toBe(0)
  })

  it('are replaced by newer ones only, and never replace what was changed here', async () => {
    await backUp(safe, server.client(), 'phone-1')
    const there = await newPhone()
    await restore(there, server.client())
    await there.putDraft({ ...(await there.draft(draft.id))!, position: 'there' })
    await backUp(there, server.client(), 'phone-2')
    expect(await restore(safe, server.client()), 'untouched since its copy: the newer one comes').toBe(1)
    expect((await safe.draft(draft.id))?.position).toBe('there')
    await safe.putDraft({ ...draft, position: 'here' })
    expect(await restore(safe, server.client()), 'changed here').toBe(0)
    expect((await safe.draft(draft.id))?.position).toBe('here')
  })

  it('cannot be opened with other keys, and are then left there', async () => {
    await backUp(safe, server.client(), 'phone-1')
    const stranger = new Safe(await openPhoneDb(`other-${Math.random()}`), await Keys.fresh('u'))
    expect(await restore(stranger, server.client())).toBe(0)
    expect(server.copies.size).toBe(2)
  })

  it('go when the draft was thrown away, once there is a network, and do not come back', async () => {
    await backUp(safe, server.client(), 'phone-1')
    await forgotten(safe, draft.id)
    await db.delete('drafts', draft.id)
    expect(await restore(safe, server.client())).toBe(0)
    server.fault = () => 'before'
    await expect(backUp(safe, server.client(), 'phone-1')).rejects.toMatchObject({ type: 'network' })
    server.fault = () => null
    await backUp(safe, server.client(), 'phone-1')
    expect(server.copies.size).toBe(0)
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
