import { beforeEach, expect, it, vi } from 'vitest'

beforeEach(() => {
  const kept = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) })
  vi.stubGlobal('document', { documentElement: {}, createElement: () => ({}) })
  vi.resetModules()
})

it('fills the gaps of a text, and says the key where there is none', async () => {
  const { t, te } = await import('./i18n')
  expect(t('tab.today')).toBe('今日')
  expect(t('alertClass.1')).toBe('一类')
  expect(t('net.toSend', { n: 3 })).toContain('3')
  expect(t('net.toSend')).not.toContain('{')
  expect(t('net.nothing')).toBe('net.nothing')
  expect([te('tab.today'), te('tab'), te('tab.constructor')]).toEqual([true, false, false])
})

it('goes over to English when its words are there, and the last choice counts', async () => {
  const { chooseLocale, locale, t } = await import('./i18n')
  await chooseLocale('en')
  expect([t('tab.today'), document.documentElement.lang]).toEqual(['Today', 'en'])
  const slow = chooseLocale('en')
  await Promise.all([slow, chooseLocale('zh-CN')])
  expect(locale.value).toBe('zh-CN')
})
