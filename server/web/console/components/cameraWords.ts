import type { Camera } from '@shared/api/types'
import { i18n, locale, text } from '../state/app'
import { chineseDetail } from './cameraDetail'

/** A codec as its standard writes it. */
export function codecName(code: string | null | undefined): string {
  const name = (code ?? '').toUpperCase()
  return { H264: 'H.264', H265: 'H.265', HEVC: 'H.265' }[name] ?? name
}

/** A reason's code in plain words; unknown codes as they are. */
export function reasonWords(code: string): string {
  const key = `cameras.reason.${code}`
  if (i18n.global.te(key)) return text(key)
  const problem = `cameras.problem.${code}`
  return i18n.global.te(problem) ? text(problem) : code
}

/** Why a camera is not simply recording. */
export function cameraReason(camera: Camera): string {
  if (camera.state === 'recording' || camera.state === 'disabled' || !camera.state_reason || camera.state_reason === 'none') return ''
  return reasonWords(camera.state_reason)
}

/** What exactly was found at a camera; in its own language where it is not the server's. */
export function detailWords(detail: string): string {
  return locale.value === 'zh-CN' ? (chineseDetail(detail) ?? detail) : detail
}
