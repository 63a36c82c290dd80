import { defineStore } from 'pinia'
import { onScopeDispose, ref } from 'vue'
import { listen, type Change } from '@shared/api/events'
import type { Page, Notice } from '@shared/api/types'
import { api } from './app'

type Listener = (change: Change) => void

/** The one stream of changes that all pages of this tab share, and the number of unread notices. */
export const useLive = defineStore('live', () => {
  const state = ref<'off' | 'live' | 'retrying' | 'ended'>('off')
  const unread = ref(0)
  const listeners = new Map<string, Set<Listener>>()
  let stop: (() => void) | null = null
  let heard = false

  function start(): void {
    if (stop) return
    heard = false
    stop = listen(api, {
      change: (change) => tell(change.entity, change),
      notice: () => void countUnread(),
      state(next) {
        state.value = next
        // Whatever happened while nothing was heard is fetched once the line is back.
        if (next === 'live' && heard) tell('*', { entity: '*', id: '', op: 'upsert' })
        if (next === 'live') heard = true
      },
    })
    void countUnread()
  }

  function end(): void {
    stop?.()
    stop = null
    state.value = 'off'
    unread.value = 0
  }

  function tell(entity: string, change: Change): void {
    if (entity === 'notice') void countUnread()
    const told = entity === '*' ? [...listeners.values()] : [listeners.get(entity)]
    for (const set of told) for (const listener of set ?? []) listener(change)
  }

  function on(entity: string, listener: Listener): () => void {
    const set = listeners.get(entity) ?? new Set()
    set.add(listener)
    listeners.set(entity, set)
    return () => set.delete(listener)
  }

  async function countUnread(): Promise<void> {
    try {
      const page = await api.get<Page<Notice>>('/notices', { unread: true, limit: 100 })
      unread.value = page.total ?? page.items.length
    } catch {
      // The number is a help; the notices page shows the error.
    }
  }

  return { state, unread, start, end, on, countUnread }
})

/**
 * Calls `work` soon after anything of these entities changed, many changes at once as one call; ends with the
 * component that asked.
 */
export function useChanges(entities: string[], work: (changes: Change[]) => void, delayMs = 250): void {
  const live = useLive()
  let pending: Change[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const collect = (change: Change) => {
    pending.push(change)
    timer ??= setTimeout(() => {
      timer = undefined
      const changes = pending
      pending = []
      work(changes)
    }, delayMs)
  }
  const stops = entities.map((entity) => live.on(entity, collect))
  onScopeDispose(() => {
    clearTimeout(timer)
    stops.forEach((stop) => stop())
  })
}
