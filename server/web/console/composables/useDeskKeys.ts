import { onBeforeUnmount, onMounted } from 'vue'
import { deskCommand, type DeskCommand } from '../components/keys'

/** Gives key presses to `run` as commands of the desk; a command that was carried out goes no further. */
export function useDeskKeys(run: (command: DeskCommand) => boolean): void {
  function press(event: KeyboardEvent): void {
    const target = event.target as HTMLElement | null
    const command = deskCommand(event, {
      tag: target?.tagName,
      role: target?.getAttribute?.('role'),
      editable: target?.isContentEditable,
      dialog: [...document.querySelectorAll('.el-overlay, .el-image-viewer__wrapper')].some((one) => (one as HTMLElement).offsetParent !== null || getComputedStyle(one).display !== 'none'),
    })
    if (command && run(command)) event.preventDefault()
  }
  onMounted(() => document.addEventListener('keydown', press))
  onBeforeUnmount(() => document.removeEventListener('keydown', press))
}
