import { ref } from 'vue'
import type { Page, Role } from '@shared/api/types'
import { api, i18n, locale, text } from './app'

const roles = ref<Role[]>([])
let asked: Promise<void> | null = null

/** The roles as the server has them; asked for once. */
export function useRoles() {
  asked ??= api.get<Page<Role>>('/roles').then((page) => void (roles.value = page.items)).catch(() => void (asked = null))
  return roles
}

export function roleName(code: string): string {
  const role = roles.value.find((one) => one.code === code)
  if (role?.name) return locale.value === 'en' ? role.name.en : role.name.zh
  return i18n.global.te(`role.${code}`) ? text(`role.${code}`) : code
}
