/**
 * Times as people read them here. Everything is shown in Asia/Shanghai whatever the browser's zone, which has had no
 * summer time since 1991: a fixed +08:00 is exact for every instant this product stores.
 */
export type Locale = 'zh-CN' | 'en'

const ZONE = 'Asia/Shanghai'
const OFFSET_MS = 8 * 3_600_000
const DAY_MS = 86_400_000
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export type Instant = string | number | Date

export function millis(instant: Instant): number {
  return instant instanceof Date ? instant.getTime() : typeof instant === 'number' ? instant : Date.parse(instant)
}

interface Wall { year: number; month: number; day: number; hour: number; minute: number; second: number; dayNumber: number }

/** The wall clock of Shanghai at an instant; `dayNumber` counts its calendar days. */
export function wall(instant: Instant): Wall {
  const shifted = millis(instant) + OFFSET_MS
  const date = new Date(shifted)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    dayNumber: Math.floor(shifted / DAY_MS),
  }
}

const two = (value: number) => String(value).padStart(2, '0')

/** 14:05, or 14:05:09 with seconds. */
export function clock(instant: Instant, seconds = false): string {
  const at = wall(instant)
  return `${two(at.hour)}:${two(at.minute)}${seconds ? `:${two(at.second)}` : ''}`
}

/** 今天 14:05 · 昨天 14:05 · 11月20日 14:05 · 2025年11月20日 14:05. */
export function dayAndTime(instant: Instant, locale: Locale, now: Instant = Date.now(), seconds = false): string {
  return `${day(instant, locale, now)} ${clock(instant, seconds)}`
}

/** 今天 · 昨天 · 明天 · 11月20日 · 2025年11月20日. */
export function day(instant: Instant, locale: Locale, now: Instant = Date.now()): string {
  const at = wall(instant)
  const today = wall(now)
  const distance = at.dayNumber - today.dayNumber
  const zh = locale === 'zh-CN'
  if (distance === 0) return zh ? '今天' : 'Today'
  if (distance === -1) return zh ? '昨天' : 'Yesterday'
  if (distance === 1) return zh ? '明天' : 'Tomorrow'
  const sameYear = at.year === today.year
  if (zh) return `${sameYear ? '' : `${at.year}年`}${at.month}月${at.day}日`
  return `${at.day} ${MONTHS[at.month - 1]}${sameYear ? '' : ` ${at.year}`}`
}

/** The full time, for hovering: 2026年11月23日 星期一 14:05:09. */
export function full(instant: Instant, locale: Locale): string {
  const format = new Intl.DateTimeFormat(locale === 'zh-CN' ? 'zh-CN' : 'en-GB', {
    timeZone: ZONE, year: 'numeric', month: 'long', day: 'numeric', weekday: 'long',
    hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  })
  return format.format(millis(instant))
}

/** A length in words, its two largest units: 2 小时 5 分 · 3 天 · 45 秒. */
export function duration(ms: number, locale: Locale): string {
  const zh = locale === 'zh-CN'
  const seconds = Math.max(0, Math.round(Math.abs(ms) / 1000))
  if (seconds < 60) return zh ? `${seconds} 秒` : `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return joined(zh, minutes, '分', 'min', minutes < 10 ? seconds % 60 : 0, '秒', 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return joined(zh, hours, '小时', 'h', minutes % 60, '分', 'min')
  return joined(zh, Math.floor(hours / 24), '天', 'd', hours % 24, '小时', 'h')
}

function joined(zh: boolean, a: number, zhA: string, enA: string, b: number, zhB: string, enB: string): string {
  // A lone 分 reads as a mark, not a length.
  if (zh && b === 0 && zhA === '分') return `${a} 分钟`
  const first = `${a} ${zh ? zhA : enA}`
  return b === 0 ? first : `${first} ${b} ${zh ? zhB : enB}`
}

/** How long ago, coarse: 刚刚 · 5 分钟前 · 3 小时前 · 2 天前. */
export function ago(instant: Instant, locale: Locale, now: Instant = Date.now()): string {
  const zh = locale === 'zh-CN'
  const seconds = Math.round((millis(now) - millis(instant)) / 1000)
  if (seconds < 10) return zh ? '刚刚' : 'just now'
  const [value, zhUnit, enUnit] =
    seconds < 60 ? [seconds, '秒', 's'] as const
    : seconds < 3600 ? [Math.floor(seconds / 60), '分钟', 'min'] as const
    : seconds < 86_400 ? [Math.floor(seconds / 3600), '小时', 'h'] as const
    : [Math.floor(seconds / 86_400), '天', 'd'] as const
  return zh ? `${value} ${zhUnit}前` : `${value} ${enUnit} ago`
}

/** 2026-11-23, the calendar day in Shanghai. */
export function isoDay(instant: Instant): string {
  const at = wall(instant)
  return `${at.year}-${two(at.month)}-${two(at.day)}`
}

/** The instant of a wall-clock text of Shanghai such as `2026-11-23T14:05:00` (what pickers and fields give). */
export function fromWall(text: string): Date {
  return new Date(millis(`${text.length === 10 ? `${text}T00:00:00` : text}Z`) - OFFSET_MS)
}

/** The wall-clock text of Shanghai, `2026-11-23T14:05:09`, for pickers and fields. */
export function toWall(instant: Instant): string {
  return new Date(millis(instant) + OFFSET_MS).toISOString().slice(0, 19)
}

/** RFC 3339 in UTC with milliseconds, as the server wants it. */
export function wire(instant: Instant): string {
  return new Date(millis(instant)).toISOString()
}

/** Midnight in Shanghai of the day an instant falls in, in milliseconds. */
export function startOfDay(instant: Instant): number {
  return wall(instant).dayNumber * DAY_MS - OFFSET_MS
}

/** A moment inside a sentence: English writes its "Today" and "Yesterday" small there. */
export const midSentence = (moment: string): string => moment.replace(/^(Today|Yesterday|Tomorrow)\b/, (word) => word.toLowerCase())
