import { onBeforeUnmount, shallowRef, watch, type Ref } from 'vue'
import { asProblem, type Problem } from '@shared/api/problem'
import type { CameraHealth } from '@shared/api/types'
import { api } from '../state/app'

const REFRESH_MS = 10_000

/** How a camera's stream is, looked at again every ten seconds while the page is seen. */
export function useHealth(id: Ref<string>): { health: Ref<CameraHealth | null>; problem: Ref<Problem | null>; load: () => Promise<void> } {
  const health = shallowRef<CameraHealth | null>(null)
  const problem = shallowRef<Problem | null>(null)
  async function load(): Promise<void> {
    const wanted = id.value
    try {
      const found = await api.get<CameraHealth>(`/cameras/${wanted}/health`)
      if (wanted !== id.value) return
      health.value = found
      problem.value = null
    } catch (error) {
      if (wanted === id.value) problem.value = asProblem(error)
    }
  }
  watch(id, () => {
    health.value = null
    void load()
  }, { immediate: true })
  const timer = setInterval(() => !document.hidden && void load(), REFRESH_MS)
  onBeforeUnmount(() => clearInterval(timer))
  return { health, problem, load }
}
