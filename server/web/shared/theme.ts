import { ref } from 'vue'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'bk.theme'
const media = matchMedia('(prefers-color-scheme: dark)')

/** What was chosen in this browser. */
export const theme = ref<Theme>((localStorage.getItem(KEY) as Theme | null) ?? 'system')
/** Whether the page is dark now. */
export const dark = ref(false)

function apply(): void {
  dark.value = theme.value === 'dark' || (theme.value === 'system' && media.matches)
  document.documentElement.classList.toggle('dark', dark.value)
}

export function setTheme(next: Theme): void {
  theme.value = next
  localStorage.setItem(KEY, next)
  apply()
}

media.addEventListener('change', apply)
apply()
