import { describe, expect, it } from 'vitest'
import { added, fromFile, line, rowsOf, setFact, type Formula } from './risk'

const formula = (): Formula => ({
  source: '', rise: 15, bands: { medium: 20, high: 45, severe: 75 },
  terms: [{ code: 'a', name: { zh: '甲', en: 'A' }, fact: 'alert_class_1', weight: 2, cap: 10, window_days: 90, half_life_days: 30 }],
})

describe('the file of a formula', () => {
  it('is read as it was written', () => expect(fromFile(JSON.stringify(formula()))).toEqual(formula()))
  it('is refused where it is something else', () => {
    for (const text of ['', 'not json', '[]', '{}', '{"terms": 3, "bands": {}}', 'null']) expect(fromFile(text)).toBeNull()
  })
  it('keeps what is there where something is missing, so that the page shows where', () => {
    const read = fromFile('{"bands": {"high": "x"}, "terms": [{"code": "b", "fact": "moon", "window_days": -3}, 7]}')!
    expect(read.bands).toEqual({ medium: 0, high: 0, severe: 0 })
    expect(read.terms[0]).toMatchObject({ code: 'b', fact: 'moon', window_days: -3, half_life_days: null, name: { zh: '', en: '' } })
    expect(read.terms).toHaveLength(2)
  })
})

describe('a term', () => {
  it('loses what its fact cannot have, and gets what it needs', () => {
    const [term] = formula().terms
    setFact(term!, 'order_open')
    expect([term!.window_days, term!.half_life_days]).toEqual([null, null])
    setFact(term!, 'camera_offline')
    expect(term!.window_days).toBe(14)
  })
  it('gets a code of its own', () => {
    const one = formula()
    one.terms.push({ ...one.terms[0]!, code: 'term_3' })
    expect(added(one).code).toBe('term_4')
  })
  it('leads to its rows, from the first day that counts', () => {
    const to = (fact: string, found = 1, window: number | null = 10) => rowsOf({ fact, found, measure: 'count', window_days: window } as Parameters<typeof rowsOf>[0], 'p', '2026-11-23')
    expect(to('alert_class_2')).toEqual({ name: 'desk', query: { premises_id: 'p', state: 'all', class: '2', verdict: 'confirmed', raised_since: '2026-11-13T16:00:00.000Z' } })
    expect(to('camera_offline')).toEqual({ name: 'statistics', query: { premises_id: 'p', by: 'camera', from: '2026-11-14', to: '2026-11-23' } })
    expect(to('alert_class_2', 0)).toBeNull()
    expect(to('unheard_of')).toBeNull()
  })
})

it('draws days where they lie, from nothing upwards', () => {
  const trend = [{ day: '2026-11-01', score: 0 }, { day: '2026-11-02', score: 20 }, { day: '2026-11-05', score: 40 }]
  expect(line(trend, 100, 40)).toEqual([{ x: 0, y: 40 }, { x: 25, y: 20 }, { x: 100, y: 0 }])
  expect(line([], 100, 40)).toEqual([])
})
