import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '@shared/api/problem'
import { openPhoneDb, readMeta, type PhoneDb } from './db'
import type { Safe } from './safe'
import { Saver } from './saver'
import { synchronise, syncStateKey, type SyncPage } from './sync'
import { draftOf, safeOf } from './testing'

let db: PhoneDb
let safe: Safe
const server_time = '2026-11-23T06:05:00.000Z'
const row = (id: string, name = id) => ({ entity: 'premises', op: 'upsert' as const, id, value: { id, name } })
const page = (items: SyncPage['items'], next: string, more = false): SyncPage => ({ items, next, more, server_time, scope_version: 1 })

/** Answers from a script: each entry is what one request gets, or what it throws. */
function scripted(script: (SyncPage | Error)[]) {
  const asked: (string | undefined)[] = []
  return {
    asked,
    async response(_method: string, path: string): Promise<Response> {
      asked.push(new URL(path, 'http://x').searchParams.get('since') ?? undefined)
      const next = script.shift()
      if (!next || next instanceof Error) throw next ?? new Error('the script has ended')
      return Response.json(next)
    },
  }
}

const names = async () => (await safe.rows<{ name: string }>('premises')).map((one) => one.name).sort()

beforeEach(async () => {
  db = await openPhoneDb(`sync-${Math.random()}`)
  safe = await safeOf(db, 'u')
})

describe('synchronising', () => {
  it('takes pages until there is no more, then only changes and tombstones', async () => {
    const api = scripted([page([row('a'), row('b')], '1', true), page([row('c')], '2'), page([{ entity: 'premises', op: 'delete', id: 'a' }, row('b', 'B')], '3')])
    await synchronise(safe, api)
    expect(await names()).toEqual(['a', 'b', 'c'])
    await synchronise(safe, api)
    expect(await names()).toEqual(['B', 'c'])
    expect(api.asked).toEqual([undefined, '1', '2'])
  })

  it('goes on with the page where the network went', async () => {
    const api = scripted([page([row('a')], '1', true), Problem.network(), page([row('b')], '2')])
    await expect(synchronise(safe, api)).rejects.toMatchObject({ type: 'network' })
    expect(await names()).toEqual(['a'])
    expect(await readMeta(db, syncStateKey('u'))).toBeUndefined()
    await synchronise(safe, api)
    expect(await names()).toEqual(['a', 'b'])
    expect(api.asked).toEqual([undefined, '1', '1'])
  })

  it('starts anew on 410, removes what is gone and keeps drafts', async () => {
    const draft = draftOf('u')
    await safe.putDraft(draft)
    const gone = new Problem({ type: 'gone', title: 'gone', status: 410 })
    const api = scripted([page([row('a'), row('b')], '1'), gone, page([row('b'), row('c')], '2')])
    await synchronise(safe, api)
    await synchronise(safe, api)
    expect(await names()).toEqual(['b', 'c'])
    expect(await safe.draft(draft.id)).toEqual(JSON.parse(JSON.stringify(draft)))
  })

  it('keeps two users apart', async () => {
    await synchronise(safe, scripted([page([row('a')], '1')]))
    await synchronise(await safeOf(db, 'v'), scripted([page([row('z')], '1')]))
    expect(await names()).toEqual(['a'])
    expect(JSON.stringify(await db.getAll('rows')), 'and unreadable to each other').not.toContain('name')
  })

  it('seals what an earlier version left open', async () => {
    await db.put('rows', { user_id: 'u', entity: 'premises', id: 'a', value: { id: 'a', name: 'open' }, generation: '' })
    expect(await names()).toEqual(['open'])
    expect(await safe.sealEverything()).toBe(1)
    expect(await names()).toEqual(['open'])
    await safe.patchRow('premises', 'a', { name: 'patched' })
    expect(await names()).toEqual(['patched'])
    expect((await db.getAll('rows')).every((one) => one.sealed && !('value' in one))).toBe(true)
  })
})

describe('saving', () => {
  it('keeps the last state however fast changes come, and never two writes at once', async () => {
    let value = 0
    let running = 0
    const written: number[] = []
    const saver = new Saver<number>(async (one) => {
      running += 1
      expect(running).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
      written.push(one)
      running -= 1
    })
    for (value = 1; value < 50; value += 1) saver.save(() => value)
    await saver.settled()
    expect(written.at(-1)).toBe(50)
    expect(written.length).toBeLessThan(5)
  })

  it('goes on saving after a failure and tells it', async () => {
    const failures: unknown[] = []
    let full = true
    const saver = new Saver<number>(async () => { if (full) throw new Error('no room') }, { failed: (error) => failures.push(error) })
    saver.save(() => 1)
    await saver.settled()
    full = false
    saver.save(() => 2)
    await saver.settled()
    expect(failures).toHaveLength(1)
  })
})
