import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import { Problem } from '@shared/api/problem'
import { openPhoneDb } from './db'
import type { RequestOptions } from '@shared/api/client'
import { fetchPapers, giveBack, papersOf, takeNumber } from './paperNumbers'

const NOW = Date.parse('2026-11-24T01:00:00.000Z')
const WORDING = { title: '现场记录', statement: '已阅看', offices: [{ office_id: 'a', office_name: '所', bureau: '局' }] }

function server() {
  const said: string[] = []
  let next = 1
  let held = [] as { id: string; office_id: string; number: number }[]
  const api = {
    async response(method: string, path: string, options: RequestOptions) {
      said.push(`${method} ${path}`)
      if (method === 'GET') return Response.json(path === '/paper-wording' ? WORDING : { items: held })
      if (path !== '/paper-numbers/reserve') return Response.json({})
      const { office_id, count } = options.body as { office_id: string; count: number }
      if (office_id === 'full') throw new Problem({ type: 'conflict', title: 'conflict', status: 409 })
      const numbers = Array.from({ length: count }, () => next++)
      return Response.json({ year: 2026, numbers, texts: numbers.map((one) => `现笔〔2026〕${one}号`) })
    },
  }
  return { api, said, hold: (rows: typeof held) => (held = rows) }
}

it('holds a few numbers of an office, hands them out once, and takes back what was not used', async () => {
  const db = await openPhoneDb('papers-1')
  const { api, said } = server()
  await fetchPapers(db, api, 'u', 'phone', ['a', 'a', 'full'], NOW)
  expect((await papersOf(db, 'u')).numbers.map((one) => one.number)).toEqual([1, 2, 3])
  const taken = await Promise.all([takeNumber(db, 'u', 'a', NOW), takeNumber(db, 'u', 'a', NOW)])
  expect(taken.map((one) => one?.text)).toEqual(['现笔〔2026〕1号', '现笔〔2026〕2号'])
  expect(await takeNumber(db, 'u', 'b', NOW)).toBeUndefined()
  expect(await takeNumber(db, 'u', undefined, NOW)).toBeUndefined()
  expect(await takeNumber(db, 'somebody', 'a', NOW)).toBeUndefined()
  await giveBack(db, 'u', taken[1])
  await giveBack(db, 'u', taken[1])
  expect((await papersOf(db, 'u')).numbers.map((one) => one.number)).toEqual([2, 3])
  const before = said.length
  await fetchPapers(db, api, 'u', 'phone', ['a'], NOW + 1000)
  expect(said.length).toBe(before)
  await takeNumber(db, 'u', 'a', NOW)
  await fetchPapers(db, api, 'u', 'phone', ['a'], NOW + 2000)
  expect((await papersOf(db, 'u')).numbers.map((one) => one.number)).toEqual([3, 4, 5, 6])
})

it('uses no number of a past year, and voids what was left of it', async () => {
  const db = await openPhoneDb('papers-2')
  const { api, said, hold } = server()
  await fetchPapers(db, api, 'u', 'phone', ['a'], NOW)
  const newYear = Date.parse('2026-12-31T16:00:00.000Z')
  expect(await takeNumber(db, 'u', 'a', newYear)).toBeUndefined()
  // One is on a record that was not sent yet, one is another phone's.
  await takeNumber(db, 'u', 'a', NOW)
  hold([1, 2, 3, 9].map((number) => ({ id: `row-${number}`, office_id: 'a', number })))
  await fetchPapers(db, api, 'u', 'phone', [], newYear)
  expect(said.filter((one) => one.includes('void'))).toEqual(['POST /paper-numbers/row-2/void', 'POST /paper-numbers/row-3/void'])
  expect((await papersOf(db, 'u')).numbers).toEqual([])
})
