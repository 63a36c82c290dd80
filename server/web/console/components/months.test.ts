import { describe, expect, it } from 'vitest'
import { monthDays, shiftMonth } from './months'

describe('months', () => {
  it('go over the year', () => {
    expect(shiftMonth('2026-12', 1)).toBe('2027-01')
    expect(shiftMonth('2026-01', -1)).toBe('2025-12')
    expect(shiftMonth('2026-03', -14)).toBe('2025-01')
  })
  it('are whole weeks from Monday', () => {
    const days = monthDays('2026-11')
    expect(days.length % 7).toBe(0)
    // 1 November 2026 is a Sunday.
    expect(days.slice(0, 7)).toEqual([null, null, null, null, null, null, '2026-11-01'])
    expect(days.filter(Boolean)).toHaveLength(30)
    expect(monthDays('2028-02').filter(Boolean)).toHaveLength(29)
  })
})
