import { computed, reactive, ref, watch, type Ref } from 'vue'
import { asProblem, type Problem } from '@shared/api/problem'
import { text } from '../state/app'
import { succeed } from './useAction'
import { useLeaveGuard } from './useLeaveGuard'

/** A form in a drawer: filled when it opens, guarded while it differs, sent once, its problem kept beside it. */
export function useForm<Values extends object, Saved>(options: {
  open: Ref<boolean>
  fill: () => Values
  valid: (values: Values) => boolean
  send: (values: Values) => Promise<Saved>
  done: (saved: Saved) => void
  message?: string
}) {
  const values = reactive(options.fill()) as Values
  const busy = ref(false)
  const tried = ref(false)
  const problem = ref<Problem | null>(null) as Ref<Problem | null>
  const before = ref(JSON.stringify(values))
  const dirty = computed(() => options.open.value && JSON.stringify(values) !== before.value)
  const guard = useLeaveGuard(dirty)

  watch(options.open, (now) => {
    if (!now) return
    Object.assign(values, options.fill())
    before.value = JSON.stringify(values)
    problem.value = null
    tried.value = false
  }, { immediate: true })

  async function save(): Promise<void> {
    tried.value = true
    if (busy.value || !options.valid(values)) return
    busy.value = true
    problem.value = null
    try {
      const saved = await options.send(values)
      before.value = JSON.stringify(values)
      succeed(options.message ?? text('common.saved'))
      options.open.value = false
      options.done(saved)
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      busy.value = false
    }
  }
  const close = () => guard(() => (options.open.value = false))
  const fault = (name: string, missing = false) => problem.value?.field(name) ?? (tried.value && missing ? text('alerts.dialog.textNeeded') : undefined)
  return { values, busy, tried, problem, dirty, guard, save, close, fault }
}

/** The fields of `now` that differ from `old`; empty texts are null, as the wire has it. */
export function differences(now: Record<string, unknown>, old: Record<string, unknown> | null | undefined): Record<string, unknown> {
  const plain = (value: unknown) => (typeof value === 'string' && value.trim() === '' ? null : typeof value === 'string' ? value.trim() : value ?? null)
  const changed: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(now)) {
    const next = plain(value)
    if (old ? JSON.stringify(next) !== JSON.stringify(plain(old[name])) : next !== null) changed[name] = next
  }
  return changed
}
