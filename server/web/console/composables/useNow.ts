import { onScopeDispose, ref, type Ref } from 'vue'
import { useSession } from '../state/session'

/** The server's time, moving; for ages and deadlines. */
export function useNow(everyMs = 1000): Ref<number> {
  const session = useSession()
  const now = ref(session.now())
  const timer = setInterval(() => (now.value = session.now()), everyMs)
  onScopeDispose(() => clearInterval(timer))
  return now
}
