import { ref, watch } from 'vue'

/** How long after the last key a search is asked for, milliseconds. */
const PAUSE_MS = 300

/** What is typed into a search: asked for after a pause, and following the address where that changes by itself. */
export function useTyped(asked: () => string | undefined, ask: (q: string | undefined) => void) {
  const typed = ref(asked() ?? '')
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(asked, (now) => {
    if ((now ?? '') !== typed.value.trim()) typed.value = now ?? ''
  })
  function later(): void {
    clearTimeout(timer)
    timer = setTimeout(() => ask(typed.value.trim() || undefined), PAUSE_MS)
  }
  return { typed, later }
}
