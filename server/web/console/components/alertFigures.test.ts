import { describe, expect, it } from 'vitest'
import { before, change, filled, lastDay, lastYear, rateOf, stretchFor } from './alertFigures'

describe('figures of alerts', () => {
  it('are compared with the stretch before and with the year before', () => {
    expect(before('2026-11-01', '2026-11-30')).toEqual({ from: '2026-10-02', to: '2026-10-31' })
    expect(before('2026-11-24', '2026-11-24')).toEqual({ from: '2026-11-23', to: '2026-11-23' })
    expect(lastYear('2028-02-29', '2028-03-31')).toEqual({ from: '2027-03-01', to: '2027-03-31' })
  })

  it('are drawn by stretches that fit', () => {
    expect(stretchFor('2026-11-01', '2026-11-30')).toBe('day')
    expect(stretchFor('2026-09-01', '2026-11-30')).toBe('week')
    expect(stretchFor('2026-01-01', '2026-11-30')).toBe('month')
    expect(lastDay('2026-11-23', 'week', '2026-12-31')).toBe('2026-11-29')
    expect(lastDay('2026-11-23', 'week', '2026-11-25')).toBe('2026-11-25')
    expect(lastDay('2026-02-01', 'month', '2026-12-31')).toBe('2026-02-28')
    expect(lastDay('2026-02-03', 'day', '2026-12-31')).toBe('2026-02-03')
  })

  it('have a place for every stretch of time', () => {
    const days = (rows: { id: string }[]) => rows.map((row) => row.id)
    expect(days(filled([], '2026-11-28', '2026-12-01', 'day'))).toEqual(['2026-11-28', '2026-11-29', '2026-11-30', '2026-12-01'])
    expect(days(filled([], '2026-11-25', '2026-12-08', 'week'))).toEqual(['2026-11-23', '2026-11-30', '2026-12-07'])
    expect(days(filled([], '2025-12-15', '2026-02-01', 'month'))).toEqual(['2025-12-01', '2026-01-01', '2026-02-01'])
    const [one] = filled([], '2026-11-28', '2026-11-28', 'day')
    expect(filled([{ ...one!, raised: 7 }], '2026-11-28', '2026-11-29', 'day').map((row) => row.raised)).toEqual([7, 0])
  })

  it('say what changed, and nothing where there is nothing to compare', () => {
    expect(change(0.8, 0.75, true)).toBeCloseTo(5)
    expect(change(90, 120, false)).toBeCloseTo(-25)
    expect(change(null, 0.5, true)).toBeNull()
    expect(change(5, 0, false)).toBeNull()
    expect(rateOf({ value: null, part: 0, whole: 0 })).toEqual({ value: null, part_s: 0, whole_s: 0 })
  })
})
