import { describe, expect, it } from 'vitest'
import { coverage, inside, SPAN_MAX, SPAN_MIN, ticks, zoom } from './timeline'

const at = (text: string) => Date.parse(`${text}+08:00`)
const HOUR = 3_600_000

describe('the timeline', () => {
  it('draws round hours of Shanghai and marks midnight', () => {
    const found = ticks({ start: at('2026-11-22T20:30:00'), end: at('2026-11-23T04:30:00') }, 800)
    expect(found.map((one) => one.at)).toEqual([21, 22, 23, 24, 25, 26, 27, 28].map((hour) => at('2026-11-22T00:00:00') + hour * HOUR))
    expect(found.filter((one) => one.day).map((one) => one.at)).toEqual([at('2026-11-23T00:00:00')])
  })

  it('keeps the pointed instant in place when zooming, within its limits', () => {
    const window = { start: 0, end: 8 * HOUR }
    const closer = zoom(window, 0.5, 2 * HOUR, 100 * HOUR)
    expect(closer).toEqual({ start: HOUR, end: 5 * HOUR })
    expect(zoom(window, 0.0001, HOUR, 100 * HOUR).end - zoom(window, 0.0001, HOUR, 100 * HOUR).start).toBe(SPAN_MIN)
    const widest = zoom(window, 1e6, HOUR, 1e12)
    expect(widest.end - widest.start).toBe(SPAN_MAX)
    expect(inside({ start: 2, end: 12 }, 10)).toEqual({ start: 0, end: 10 })
  })

  it('counts overlapping recordings once and leaves the future out', () => {
    const window = { start: 0, end: 100 }
    expect(coverage([{ start: 0, end: 30 }, { start: 20, end: 50 }], window, 100)).toBe(0.5)
    expect(coverage([{ start: -50, end: 50 }], window, 50)).toBe(1)
    expect(coverage([], { start: 200, end: 300 }, 100)).toBeNull()
  })
})
