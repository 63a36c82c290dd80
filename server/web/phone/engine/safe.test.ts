import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { openPhoneDb, type PhoneDb } from './db'
import { CannotOpen, freshRing, joined, Keys, packed, unpacked } from './keys'
import { queue } from './entry'
import { letGo, makeRoom } from './room'
import { Safe } from './safe'
import { addPhoto, draftOf, safeOf } from './testing'
import { openByPin, recordOf, setPin, waitAfter, WrongPin } from './vault'

const ROUNDS = 1_000
let db: PhoneDb
beforeEach(async () => {
  db = await openPhoneDb(`safe-${Math.random()}`)
})

/** Everything in the database as bytes, blobs too. */
async function raw(): Promise<string> {
  const seen: string[] = []
  const walk = async (value: unknown): Promise<void> => {
    if (value instanceof Blob) seen.push(Buffer.from(await value.arrayBuffer()).toString('latin1'))
    else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) seen.push(Buffer.from(value as Uint8Array).toString('latin1'))
    else if (typeof value === 'string') seen.push(Buffer.from(value, 'utf8').toString('latin1'))
    else if (value && typeof value === 'object') for (const one of Object.values(value)) await walk(one)
  }
  for (const store of ['rows', 'drafts', 'files', 'outbox', 'answers', 'vaults', 'backups'] as const) for (const record of await db.getAll(store)) await walk(record)
  return seen.join('\n')
}
const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

describe('what is kept', () => {
  it('cannot be read without its officer’s keys, in the database or by another officer', async () => {
    const mine = await safeOf(db, 'mine')
    const draft = draftOf('mine')
    draft.answers['1.1'] = { result: 'fails', remark: '冷库内发现过期肉品', answered_at: 'now', evidence_ids: [] }
    await addPhoto(mine, draft, 1_000)
    await mine.putDraft(draft)
    await queue(mine, draft, 1)
    await mine.putAnswer({ key: 'k', user_id: 'mine', alert_id: 'a', text: '已经更换挡鼠板', files: [{ id: 'f', blob: new Blob(['photograph']) }] })
    const bytes = await raw()
    for (const secret of ['冷库内发现过期肉品', '澄海实验学校食堂', '陈警', '已经更换挡鼠板', 'photograph']) expect(bytes).not.toContain(utf8(secret))
    const photo = Uint8Array.from({ length: 64 }, (_, index) => (index * 31 + 1_000) & 255)
    expect(bytes).not.toContain(Buffer.from(photo).toString('latin1'))

    const theirs = await safeOf(db, 'theirs')
    expect([await theirs.draft(draft.id), await theirs.drafts(), await theirs.entries(), await theirs.files(draft.id), await theirs.answer('k')]).toEqual([undefined, [], [], [], undefined])
    // Even one who calls themselves the other opens nothing without the keys.
    const thief = await safeOf(db, 'mine')
    await expect(thief.draft(draft.id)).rejects.toBeInstanceOf(CannotOpen)

    expect((await mine.draft(draft.id))?.answers['1.1']?.remark).toBe('冷库内发现过期肉品')
    expect(await (await mine.file(draft.evidence[0]!.id))!.blob!.arrayBuffer()).toEqual((Uint8Array.from({ length: 1_000 }, (_, index) => (index * 31 + 1_000) & 255)).buffer)
    expect((await mine.answer('k'))?.files[0]?.id).toBe('f')
  })

  it('cannot be put in another’s place', async () => {
    const safe = await safeOf(db, 'mine')
    const [one, other] = [draftOf('mine'), draftOf('mine')]
    await safe.putDraft(one)
    await safe.putDraft(other)
    await db.put('drafts', { ...(await db.get('drafts', other.id))!, sealed: (await db.get('drafts', one.id))!.sealed })
    await expect(safe.draft(other.id)).rejects.toBeInstanceOf(CannotOpen)
  })

  it('that an earlier version left open is sealed when its officer comes, and nobody else’s is touched', async () => {
    const draft = draftOf('mine')
    const other = draftOf('theirs')
    const content = new Blob(['as taken'])
    const plain = db as unknown as { put(store: string, value: unknown): Promise<unknown> }
    await plain.put('drafts', draft)
    await plain.put('drafts', other)
    await plain.put('files', { id: 'f', inspection_id: draft.id, user_id: 'mine', blob: content, preview: null, sha256: 'x', filetype: 'image/jpeg', bytes: 8 })
    const safe = await safeOf(db, 'mine')
    expect((await safe.drafts())[0]?.id, 'readable before').toBe(draft.id)
    expect(await safe.sealEverything()).toBe(2)
    expect(await safe.sealEverything(), 'once').toBe(0)
    expect(await safe.draft(draft.id)).toEqual(JSON.parse(JSON.stringify(draft)))
    expect(await (await safe.file('f'))!.blob!.text()).toBe('as taken')
    expect(await raw()).not.toContain('as taken')
    expect('sealed' in (await db.get('drafts', other.id))!).toBe(false)
  })
})

describe('a full phone', () => {
  it('lets its ballast go so that what is typed is still saved', async () => {
    const safe = await safeOf(db, 'mine')
    const full = Object.assign(new Error('full'), { name: 'QuotaExceededError' })
    await expect(makeRoom(safe, () => Promise.reject(full)), 'nothing to let go').rejects.toBe(full)
    await db.put('meta', { key: 'ballast', value: 'x' })
    let room = 0
    const saved = await makeRoom(safe, async () => {
      room += (await db.get('meta', 'ballast')) ? 0 : 1
      if (room < 2) throw full
      return 'saved'
    })
    expect(saved).toBe('saved')
    expect(await letGo(db), 'room may still come').toBe(true)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    let given: unknown
    void makeRoom(safe, () => Promise.reject(full)).catch((error: unknown) => (given = error))
    for (let turns = 0; turns < 200 && !given; turns += 1) {
      await vi.advanceTimersByTimeAsync(300)
      await new Promise((resolve) => setImmediate(resolve))
    }
    vi.useRealTimers()
    expect(given, 'room that never comes is not waited for without end').toBe(full)
    const other = new Error('other')
    await expect(makeRoom(safe, () => Promise.reject(other))).rejects.toBe(other)
  })
})

describe('the PIN', () => {
  const owner = { id: 'u', display_name: '陈立群' }

  it('opens the ring, slows wrong tries down, and never wipes', async () => {
    const ring = await freshRing()
    await setPin(db, owner, ring, '271828', ROUNDS)
    expect(await openByPin(db, 'u', '271828')).toEqual(ring)
    let now = 1_000_000
    const wrong = () => openByPin(db, 'u', '111111', now).then(() => null, (error: WrongPin) => error)
    expect([(await wrong())?.waitMs, (await wrong())?.waitMs]).toEqual([0, 0])
    expect(await wrong()).toMatchObject({ tried: true, waitMs: 5_000 })
    expect(await wrong(), 'not even looked at').toMatchObject({ tried: false, waitMs: 5_000 })
    expect(await openByPin(db, 'u', '271828', now).catch((error: WrongPin) => error.tried), 'nor the right one').toBe(false)
    for (let tries = 0; tries < 30; tries += 1) {
      now += 15 * 60_000
      expect((await wrong())?.tried).toBe(true)
    }
    expect((await recordOf(db, 'u'))?.failures).toBe(33)
    now += 15 * 60_000
    expect(await openByPin(db, 'u', '271828', now)).toEqual(ring)
    expect((await recordOf(db, 'u'))?.failures).toBe(0)
    expect(waitAfter(1_000)).toBe(15 * 60_000)
  })

  it('that is new makes the old one useless', async () => {
    const ring = await freshRing()
    await setPin(db, owner, ring, '271828', ROUNDS)
    await setPin(db, owner, ring, '314159', ROUNDS)
    await expect(openByPin(db, 'u', '271828')).rejects.toBeInstanceOf(WrongPin)
    expect(await openByPin(db, 'u', '314159')).toEqual(ring)
  })
})

it('two phones’ keys are joined, and both phones’ drafts open', async () => {
  const [one, other] = [await freshRing(), await freshRing()]
  const there = new Safe(db, await Keys.of('u', other))
  const draft = draftOf('u')
  await there.putDraft(draft)
  const both = new Safe(db, await Keys.of('u', joined([one, other])!))
  expect(both.keys.ring.current).toBe(one.current)
  expect((await both.draft(draft.id))?.id).toBe(draft.id)
  const sealed = await both.keys.seal('x', new Uint8Array([1, 2, 3]))
  expect(await both.keys.open('x', unpacked(await packed(sealed).arrayBuffer()))).toEqual(new Uint8Array([1, 2, 3]).buffer)
})
