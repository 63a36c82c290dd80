import { onBeforeUnmount, onMounted } from 'vue'
import { pageKey } from '../components/keys'

/** Gives the key presses that are the page's own to `run`, in small letters; one that was carried out goes no further. */
export function usePageKeys(run: (key: string) => boolean): void {
  function press(event: KeyboardEvent): void {
    const target = event.target as HTMLElement | null
    const key = pageKey(event, {
      tag: target?.tagName,
      role: target?.getAttribute?.('role'),
      editable: target?.isContentEditable,
      dialog: [...document.querySelectorAll('.el-overlay, .el-image-viewer__wrapper')].some((one) => (one as HTMLElement).offsetParent !== null || getComputedStyle(one).display !== 'none'),
    })
    if (key !== null && run(key)) event.preventDefault()
  }
  onMounted(() => document.addEventListener('keydown', press))
  onBeforeUnmount(() => document.removeEventListener('keydown', press))
}
