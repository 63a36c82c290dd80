/** The language chosen in this browser, for both entries. */
import type { Locale } from './time'

const KEY = 'bk.locale'

/** zh-CN until somebody chooses. */
export function savedLocale(): Locale {
  return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh-CN'
}

export function saveLocale(locale: Locale): void {
  localStorage.setItem(KEY, locale)
}
