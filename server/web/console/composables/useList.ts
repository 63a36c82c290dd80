import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import type { Query } from '@shared/api/client'
import { asProblem, type Problem } from '@shared/api/problem'
import type { Page } from '@shared/api/types'
import { api } from '../state/app'

/** A list that is fetched page by page with its cursor, anew whenever its filters change. */
export function useList<T extends { id: string }>(path: string, query: Ref<Query>, limit = 50) {
  const rows = shallowRef<T[]>([])
  const next = ref<string | null>(null)
  const total = ref<number | null>(null)
  const capped = ref(false)
  const loading = ref(true)
  const loadingMore = ref(false)
  const problem = shallowRef<Problem | null>(null)
  let running: AbortController | null = null

  async function load(quiet = false): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    if (!quiet) loading.value = true
    try {
      // A quiet refresh keeps as many rows as were shown, so that nobody loses their place.
      const wanted = quiet ? Math.min(200, Math.max(limit, rows.value.length)) : limit
      const page = await api.get<Page<T>>(path, { ...query.value, limit: wanted }, mine.signal)
      rows.value = page.items
      next.value = page.next ?? null
      total.value = page.total ?? null
      capped.value = page.total_capped ?? false
      problem.value = null
    } catch (error) {
      if (mine.signal.aborted) return
      if (!quiet || rows.value.length === 0) problem.value = asProblem(error)
    } finally {
      if (running === mine) loading.value = false
    }
  }

  async function more(): Promise<void> {
    if (!next.value || loadingMore.value) return
    loadingMore.value = true
    try {
      const page = await api.get<Page<T>>(path, { ...query.value, limit, cursor: next.value })
      const known = new Set(rows.value.map((row) => row.id))
      rows.value = [...rows.value, ...page.items.filter((row) => !known.has(row.id))]
      next.value = page.next ?? null
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      loadingMore.value = false
    }
  }

  const filtered = computed(() => Object.values(query.value).some((value) => value !== undefined && value !== '' && value !== null))
  watch(() => JSON.stringify(query.value), () => void load(), { immediate: true })

  return { rows, next, total, capped, loading, loadingMore, problem, filtered, load, more }
}
