import { computed, type ComputedRef } from 'vue'
import { Locale as VantLocale } from 'vant'
import vantEn from 'vant/es/locale/lang/en-US'
import vantZh from 'vant/es/locale/lang/zh-CN'
import { currentLocale, makeI18n, savedLocale, setLocale } from '@shared/i18n'
import type { Bilingual } from '@shared/inspection'
import type { Locale } from '@shared/time'
import en from './locales/en'
import zh from './locales/zh'

export const i18n = makeI18n(zh, en)
export const locale: ComputedRef<Locale> = currentLocale(i18n)
export const english = computed(() => locale.value === 'en')

const words = (next: Locale) => (next === 'en' ? VantLocale.use('en-US', vantEn) : VantLocale.use('zh-CN', vantZh))
words(savedLocale())

export function chooseLocale(next: Locale): void {
  setLocale(i18n, next)
  words(next)
}

/** Of a text in both languages, the one now shown. */
export const say = (text: Bilingual): string => (english.value ? text.en || text.zh : text.zh || text.en)
