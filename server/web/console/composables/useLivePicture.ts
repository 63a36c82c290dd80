import { onScopeDispose, ref, type Ref } from 'vue'
import { api } from '../state/app'

/** A browser has six lines to one server; pictures take half of them, so that pages and streams go on. */
const LINES_MAX = 3
let lines = 0
const waiting: (() => void)[] = []

async function line<T>(work: () => Promise<T>): Promise<T> {
  if (lines >= LINES_MAX) await new Promise<void>((resolve) => waiting.push(resolve))
  lines += 1
  try {
    return await work()
  } finally {
    lines -= 1
    waiting.shift()?.()
  }
}

export interface LivePicture {
  /** An object URL, replaced with each new picture. */
  src: Ref<string | null>
  /** When this browser got the picture, in milliseconds; 0 before the first. */
  at: Ref<number>
  failed: Ref<boolean>
}

/** Refreshes a camera's picture every few seconds while `active`; stops by itself with its component. */
export function useLivePicture(cameraId: string, active: Ref<boolean>, width: number, everyMs = 5000): LivePicture {
  const src = ref<string | null>(null)
  const at = ref(0)
  const failed = ref(false)
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined

  async function look(): Promise<void> {
    if (stopped) return
    if (active.value && !document.hidden) {
      try {
        const blob = await line(() => (stopped || !active.value ? Promise.reject(new Error('gone')) : api.get<Blob>(`/cameras/${cameraId}/snapshot.jpg`, { width })))
        if (stopped) return
        const before = src.value
        src.value = URL.createObjectURL(blob)
        if (before) setTimeout(() => URL.revokeObjectURL(before), 500)
        at.value = Date.now()
        failed.value = false
      } catch {
        failed.value = true
      }
    }
    // Spread out, so that a wall's pictures do not all ask in the same instant.
    timer = setTimeout(() => void look(), everyMs * (0.85 + Math.random() * 0.3))
  }
  timer = setTimeout(() => void look(), Math.random() * 300)
  onScopeDispose(() => {
    stopped = true
    clearTimeout(timer)
    if (src.value) URL.revokeObjectURL(src.value)
  })
  return { src, at, failed }
}
