import { computed, type ComputedRef, type WritableComputedRef } from 'vue'
import { createI18n } from 'vue-i18n'
import type { Locale } from './time'
import termsEn from './locales/terms.en'
import termsZh from './locales/terms.zh'

const KEY = 'bk.locale'

/** The language chosen in this browser; zh-CN until somebody chooses. */
export function savedLocale(): Locale {
  return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh-CN'
}

interface Messages { [key: string]: string | Messages }

/** The texts of an entry (console or phone) beside the terms both share. */
export function makeI18n(zh: Messages, en: Messages) {
  const i18n = createI18n({
    legacy: false,
    locale: savedLocale() as string,
    fallbackLocale: 'zh-CN' as string,
    messages: { 'zh-CN': { ...termsZh, ...zh }, en: { ...termsEn, ...en } },
  })
  document.documentElement.lang = savedLocale()
  return i18n
}

export type I18n = ReturnType<typeof makeI18n>

const shown = (i18n: I18n) => i18n.global.locale as unknown as WritableComputedRef<string>

export function setLocale(i18n: I18n, locale: Locale): void {
  shown(i18n).value = locale
  localStorage.setItem(KEY, locale)
  document.documentElement.lang = locale
}

/** The language now shown, as the time functions want it. */
export function currentLocale(i18n: I18n): ComputedRef<Locale> {
  return computed(() => (shown(i18n).value === 'en' ? 'en' : 'zh-CN'))
}
