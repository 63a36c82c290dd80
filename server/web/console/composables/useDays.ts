import { computed } from 'vue'
import { fromWall, isoDay } from '@shared/time'

/** Days as a picker has them; the address has moments, the end excluded. */
export function useDays(asked: () => { since?: string; until?: string }, set: (changes: { since: string | null; until: string | null }) => void) {
  const days = computed<[string, string] | null>(() => {
    const { since, until } = asked()
    return since || until ? [isoDay(since ?? until!), isoDay(until ? Date.parse(until) - 1 : since!)] : null
  })
  function setDays(picked: [string, string] | null): void {
    if (!picked) return set({ since: null, until: null })
    const [from, last] = picked.map((day) => fromWall(`${day}T00:00`).getTime())
    set({ since: new Date(from!).toISOString(), until: new Date(last! + 86_400_000).toISOString() })
  }
  return { days, setDays }
}
