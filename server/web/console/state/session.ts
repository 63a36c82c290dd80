import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import type { Me, Permission } from '@shared/api/types'
import { api } from './app'

/** Who is signed in and what they may do. */
export const useSession = defineStore('session', () => {
  const me = ref<Me | null>(null)
  /** What this browser's clock must add to agree with the server's, in milliseconds. */
  const clockOffset = ref(0)

  async function load(): Promise<Me> {
    const before = Date.now()
    me.value = await api.get<Me>('/me')
    const server = Date.parse(me.value.server_time)
    if (Number.isFinite(server)) clockOffset.value = Math.round(server - (before + Date.now()) / 2)
    return me.value
  }

  function forget(): void {
    me.value = null
  }

  /** Something has to be set up before anything else is shown. */
  const unready = computed(() => me.value !== null && (me.value.password_change_required || me.value.second_factor_required))
  const permissions = computed(() => new Set(me.value?.permissions ?? []))
  const can = (...wanted: Permission[]) => wanted.some((permission) => permissions.value.has(permission))
  /** Answers for a canteen rather than watching over it. */
  const canteen = computed(() => can('alerts.rectify') && !can('alerts.decide'))
  const now = () => Date.now() + clockOffset.value

  return { me, unready, load, forget, can, canteen, now }
})
