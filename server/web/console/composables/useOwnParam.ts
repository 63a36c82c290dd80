import { computed, type ComputedRef } from 'vue'
import { useRoute } from 'vue-router'

/** A part of this page's own address. While the page is left it keeps what it was: the next page's id names another kind of thing. */
export function useOwnParam(name: string): ComputedRef<string> {
  const route = useRoute()
  const own = route.matched.at(-1)
  return computed<string>((before) => (route.matched.at(-1) === own || before === undefined ? (route.params[name] as string) : before))
}
