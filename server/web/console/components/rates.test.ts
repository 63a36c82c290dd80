import { expect, it } from 'vitest'
import { endOf, few, periodBefore, periodLastYear, points } from './rates'

const share = (part: number, whole: number) => ({ part, whole, value: whole ? part / whole : null })

it('compares whole months with whole months', () => {
  expect(periodBefore('2026-03-01', '2026-03-31')).toEqual({ from: '2026-02-01', to: '2026-02-28' })
  expect(periodBefore('2026-01-01', '2026-03-31')).toEqual({ from: '2025-10-01', to: '2025-12-31' })
  expect(periodLastYear('2025-02-01', '2025-02-28')).toEqual({ from: '2024-02-01', to: '2024-02-29' })
})

it('compares days with as many days', () => {
  expect(periodBefore('2026-11-10', '2026-11-16')).toEqual({ from: '2026-11-03', to: '2026-11-09' })
  expect(periodLastYear('2026-11-10', '2026-11-16')).toEqual({ from: '2025-11-10', to: '2025-11-16' })
})

it('ends stretches on their last day', () => {
  expect((['day', 'week', 'month', 'term'] as const).map((one) => endOf('2026-09-01', one))).toEqual(['2026-09-01', '2026-09-07', '2026-09-30', '2027-01-31'])
  expect(endOf('2027-02-01', 'term')).toBe('2027-08-31')
})

it('shows counts where there are few cases, never seconds', () => {
  expect([few('coverage', share(1, 19)), few('coverage', share(1, 20)), few('coverage', share(0, 0)), few('online', share(1, 5))]).toEqual([true, false, false, false])
})

it('has no difference where there is nothing to compare with', () => {
  expect([points(share(3, 4), share(1, 2)), points(share(0, 0), share(1, 2)), points(share(1, 2), undefined)]).toEqual([25, null, null])
})
