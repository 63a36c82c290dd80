import { ApiClient } from '@shared/api/client'
import { browserStore, deviceId } from '@shared/api/session'
import { savedLocale } from '@shared/locale'
import type { Locale } from '@shared/time'
import { en, zh } from '../locales'
import { idleSeconds } from './idle'
import { currentLocale, makeI18n, setLocale as chooseLocale } from './i18n'

export const i18n = makeI18n(zh, en)
export const locale = currentLocale(i18n)

/** A text outside of components. */
export const text = (key: string, values: Record<string, unknown> = {}) => i18n.global.t(key, values)

let signedOut: () => void = () => undefined

/** Called when the session is over, wherever that was noticed. */
export function onSignedOut(handler: () => void): void {
  signedOut = handler
}

export const api = new ApiClient({
  store: browserStore('bk.session'),
  deviceId: deviceId(),
  language: savedLocale,
  onSignedOut: () => signedOut(),
  idleSeconds,
})

export function setLocale(next: Locale): void {
  chooseLocale(i18n, next)
}
