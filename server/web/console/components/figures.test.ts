import { expect, it } from 'vitest'
import { rateText, rateTone, summed, type Rate } from './figures'

const rate = (part_s: number, whole_s: number): Rate => ({ part_s, whole_s, value: whole_s ? part_s / whole_s : null })

it('rounds no gap away', () => {
  expect([rate(86_400, 86_400), rate(86_399, 86_400), rate(1, 86_400), rate(0, 86_400), rate(0, 0)].map(rateText)).toEqual(['100%', '99.9%', '0.1%', '0%', '—'])
  expect(rateText(rate(987, 1000))).toBe('98.7%')
})

it('adds seconds instead of averaging shares', () => {
  const rows = [{ online: rate(10, 10) }, { online: rate(0, 90) }].map((row) => ({ ...row, completeness: rate(0, 0), device_health: rate(0, 0) }))
  expect(summed(rows, 'online')).toEqual({ part_s: 10, whole_s: 100, value: 0.1 })
  expect(summed(rows, 'completeness').value).toBeNull()
})

it('colours what is worth a look', () => {
  expect([rate(99, 100), rate(90, 100), rate(50, 100), rate(0, 0)].map(rateTone)).toEqual(['green', 'amber', 'red', ''])
})
