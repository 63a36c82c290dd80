import { computed } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

/** Filters that live in the address, so that a link shows what its sender saw and back undoes one. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const route = useRoute()
  const router = useRouter()
  const page = route.name

  const filters = computed(() => {
    const values = {} as Record<Name, string | undefined>
    for (const name of names) {
      const value = route.query[name]
      values[name] = typeof value === 'string' && value !== '' ? value : undefined
    }
    return values
  })

  function set(changes: Partial<Record<Name, string | boolean | null | undefined>>): void {
    if (route.name !== page) return
    const query: LocationQueryRaw = { ...route.query }
    for (const [name, value] of Object.entries(changes) as [string, string | boolean | null | undefined][]) {
      if (value === undefined || value === null || value === '' || value === false) delete query[name]
      else query[name] = String(value)
    }
    void router.replace({ query })
  }

  const active = computed(() => names.filter((name) => filters.value[name] !== undefined))
  const clear = () => set(Object.fromEntries(names.map((name) => [name, undefined])) as Partial<Record<Name, undefined>>)
  return { filters, set, active, clear }
}
