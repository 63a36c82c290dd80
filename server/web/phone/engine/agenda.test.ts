import { describe, expect, it } from 'vitest'
import { awayM, firstSpan, flat, inSpan, ordered, scaleM, tone, type Due } from './agenda'

const due = (id: string, due_on: string): Due => ({ id, premises_id: `p${id}`, due_on })
const TODAY = '2026-11-24'

describe('the agenda', () => {
  it('shows what is late in every span', () => {
    const late = due('a', '2026-10-30')
    expect(tone(late, TODAY)).toBe('overdue')
    for (const span of ['today', 'month', 'all'] as const) expect(inSpan(late, span, TODAY)).toBe(true)
    expect(inSpan(due('b', '2026-11-25'), 'today', TODAY)).toBe(false)
    expect(inSpan(due('b', '2026-11-30'), 'month', TODAY)).toBe(true)
    expect(inSpan(due('b', '2026-12-01'), 'month', TODAY)).toBe(false)
  })
  it('opens the first span that has something', () => {
    expect(firstSpan([due('a', TODAY), due('b', '2027-01-01')], TODAY)).toBe('today')
    expect(firstSpan([due('a', '2026-11-30')], TODAY)).toBe('month')
    expect(firstSpan([due('a', '2027-01-01')], TODAY)).toBe('all')
    expect(firstSpan([], TODAY)).toBe('all')
  })
  it('puts the late first, then the nearer of a day', () => {
    const places = new Map([['pnear', { latitude: 30.001, longitude: 120 }], ['pfar', { latitude: 30.1, longitude: 120 }], ['plate', { latitude: null, longitude: null }]])
    const here = { latitude: 30, longitude: 120 }
    const all = [due('far', TODAY), due('nowhere', TODAY), due('near', TODAY), due('late', '2026-11-01')]
    expect(ordered(all, (one) => awayM(one, places, here)).map((one) => one.id)).toEqual(['late', 'near', 'far', 'nowhere'])
    expect(awayM(all[0], places, null)).toBeNull()
    expect(Math.round(awayM(all[2], places, here)!)).toBe(111)
  })
  it('draws north up and knows its scale', () => {
    const [south, north] = flat([{ latitude: 30, longitude: 120 }, { latitude: 30.01, longitude: 120 }])
    expect(north.y).toBeLessThan(south.y)
    expect(Math.round(south.y - north.y)).toBe(1113)
    expect(flat([])).toEqual([])
    expect([scaleM(400), scaleM(1_000), scaleM(30_000), scaleM(0)]).toEqual([100, 200, 5_000, 1])
  })
})
