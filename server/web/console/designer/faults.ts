import { computed, inject, provide, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import type { Fault } from './model'

const KEY: InjectionKey<Ref<Fault[]>> = Symbol('faults')

export const provideFaults = (faults: Ref<Fault[]>) => provide(KEY, faults)

/** What is wrong at one place of the file, in words; the server says it by pointers. */
export function useFaults() {
  const { t, te } = useI18n()
  const faults = inject(KEY, computed(() => []) as ComputedRef<Fault[]>)
  const words = (fault: Fault) => (te(`designer.fault.${fault.code}`) ? t(`designer.fault.${fault.code}`) : fault.detail)
  /** At exactly this place. */
  const at = (pointer: string) => {
    const found = faults.value.filter((fault) => fault.pointer === pointer)
    return found.length > 0 ? found.map(words).join(t('semicolon')) : undefined
  }
  return { at, words }
}
