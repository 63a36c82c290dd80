/**
 * The words of the app. They are plain texts with named gaps (`{n}`), so a look-up is all they need: a whole translation library
 * would be a tenth of what an officer downloads.
 */
import { computed, ref } from 'vue'
import { Locale as VantLocale } from 'vant'
import vantZh from 'vant/es/locale/lang/zh-CN'
import type { Bilingual } from '@shared/inspection'
import { savedLocale, saveLocale } from '@shared/locale'
import termsZh from '@shared/locales/terms.zh'
import type { Locale } from '@shared/time'
import zh from './locales/zh'

interface Words { [key: string]: string | Words }

const words: Record<Locale, Words> = { 'zh-CN': { ...termsZh, ...zh }, en: {} }
export const locale = ref<Locale>('zh-CN')
export const english = computed(() => locale.value === 'en')

function find(key: string): string | undefined {
  let at: string | Words | undefined = words[locale.value]
  for (const part of key.split('.')) at = typeof at === 'object' ? at[part] : undefined
  return typeof at === 'string' ? at : undefined
}

/** The text of this key in the language now shown, its gaps filled. */
export const t = (key: string, named: Record<string, unknown> = {}): string =>
  find(key)?.replace(/\{(\w+)\}/g, (_gap, name: string) => String(named[name] ?? '')) ?? key
/** Whether there is a text of this key. */
export const te = (key: string): boolean => find(key) !== undefined

/** English comes when it is chosen, so that the first start of all others does not wait for it. */
async function show(next: Locale): Promise<void> {
  if (next === 'en') {
    const other = await import('./locales/english')
    // Another choice came first.
    if (savedLocale() !== next) return
    words.en = other.words
    VantLocale.use('en-US', other.vant)
  } else VantLocale.use('zh-CN', vantZh)
  locale.value = next
  document.documentElement.lang = next
}

export async function chooseLocale(next: Locale): Promise<void> {
  saveLocale(next)
  await show(next)
}

/** The language chosen in this browser is there; without its file, as at a first start that lost its network, Chinese is. */
export const wordsReady = show(savedLocale()).catch(() => undefined)

/** Of a text in both languages, the one now shown. */
export const say = (text: Bilingual): string => (english.value ? text.en || text.zh : text.zh || text.en)
