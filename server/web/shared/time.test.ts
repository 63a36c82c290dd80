import { describe, expect, it } from 'vitest'
import { ago, clock, day, dayAndTime, duration, fromWall, full, isoDay, startOfDay, toWall } from './time'

const now = '2026-11-23T08:30:00.000Z' // 16:30 in Shanghai

describe('times are of Shanghai, whatever the zone of the browser', () => {
  it('names the days around today', () => {
    expect(dayAndTime('2026-11-23T06:05:00.000Z', 'zh-CN', now)).toBe('今天 14:05')
    expect(dayAndTime('2026-11-22T15:59:59.999Z', 'zh-CN', now)).toBe('昨天 23:59')
    expect(dayAndTime('2026-11-22T16:00:00.000Z', 'zh-CN', now)).toBe('今天 00:00')
    expect(day('2026-11-23T16:00:00.000Z', 'zh-CN', now)).toBe('明天')
    expect(day('2026-11-20T01:00:00.000Z', 'zh-CN', now)).toBe('11月20日')
    expect(day('2025-12-31T16:00:00.000Z', 'zh-CN', now)).toBe('1月1日')
    expect(day('2025-12-31T15:00:00.000Z', 'zh-CN', now)).toBe('2025年12月31日')
    expect(dayAndTime('2026-11-20T01:02:03.000Z', 'en', now)).toBe('20 Nov 09:02')
  })

  it('shows seconds where asked, and everything on hover', () => {
    expect(clock('2026-11-23T06:05:09.000Z', true)).toBe('14:05:09')
    expect(full('2026-11-23T06:05:09.000Z', 'zh-CN')).toContain('2026年11月23日')
    expect(full('2026-11-23T06:05:09.000Z', 'zh-CN')).toContain('14:05:09')
  })

  it('says lengths in words', () => {
    expect(duration(45_000, 'zh-CN')).toBe('45 秒')
    expect(duration(180_000, 'zh-CN')).toBe('3 分钟')
    expect(duration(185_000, 'zh-CN')).toBe('3 分 5 秒')
    expect(duration(7_500_000, 'zh-CN')).toBe('2 小时 5 分')
    expect(duration(3 * 86_400_000, 'en')).toBe('3 d')
    expect(ago('2026-11-23T08:25:00.000Z', 'zh-CN', now)).toBe('5 分钟前')
    expect(ago('2026-11-23T08:29:55.000Z', 'en', now)).toBe('just now')
  })

  it('goes to wall-clock text and back', () => {
    expect(toWall('2026-11-23T06:05:09.000Z')).toBe('2026-11-23T14:05:09')
    expect(fromWall('2026-11-23T14:05:09').toISOString()).toBe('2026-11-23T06:05:09.000Z')
    expect(fromWall('2026-11-23').toISOString()).toBe('2026-11-22T16:00:00.000Z')
    expect(isoDay('2026-11-22T16:00:00.000Z')).toBe('2026-11-23')
    expect(new Date(startOfDay('2026-11-23T06:05:09.000Z')).toISOString()).toBe('2026-11-22T16:00:00.000Z')
  })
})
