import { ref, shallowRef, watch, type Ref } from 'vue'
import { asProblem, type Problem } from '@shared/api/problem'

/** One thing by its id, fetched anew when the id changes. */
export function useItem<T>(id: Ref<string | undefined>, fetchItem: (id: string) => Promise<T>) {
  const item = shallowRef<T | null>(null)
  const loading = ref(true)
  const problem = shallowRef<Problem | null>(null)
  let turn = 0

  async function load(quiet = false): Promise<void> {
    const wanted = id.value
    const mine = ++turn
    if (!wanted) {
      item.value = null
      loading.value = false
      return
    }
    if (!quiet) {
      loading.value = true
      problem.value = null
    }
    try {
      const found = await fetchItem(wanted)
      if (mine !== turn) return
      item.value = found
      problem.value = null
    } catch (error) {
      if (mine === turn && (!quiet || !item.value)) problem.value = asProblem(error)
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  watch(id, (now, before) => {
    if (now !== before) item.value = null
    void load()
  }, { immediate: true })
  return { item, loading, problem, load }
}
