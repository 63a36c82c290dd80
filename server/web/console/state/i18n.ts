import { computed, type ComputedRef, type WritableComputedRef } from 'vue'
import { createI18n } from 'vue-i18n'
import { savedLocale, saveLocale } from '@shared/locale'
import termsEn from '@shared/locales/terms.en'
import termsZh from '@shared/locales/terms.zh'
import type { Locale } from '@shared/time'

interface Messages { [key: string]: string | Messages }

/** The console's texts beside the terms that it shares with the phone. */
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
  saveLocale(locale)
  document.documentElement.lang = locale
}

/** The language now shown, as the time functions want it. */
export function currentLocale(i18n: I18n): ComputedRef<Locale> {
  return computed(() => (shown(i18n).value === 'en' ? 'en' : 'zh-CN'))
}
