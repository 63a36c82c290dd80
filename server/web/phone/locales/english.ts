import vantEn from 'vant/es/locale/lang/en-US'
import termsEn from '@shared/locales/terms.en'
import en from './en'

/** All that the app says in English, in one piece. */
export const words = { ...termsEn, ...en }
export const vant = vantEn
