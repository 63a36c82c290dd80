import { ElMessageBox } from 'element-plus'
import 'element-plus/es/components/message-box/style/css'
import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import { onBeforeRouteLeave } from 'vue-router'
import { text } from '../state/app'

/** Asks in words; true when the person agrees. */
export async function ask(message: string, yes: string, danger = false): Promise<boolean> {
  try {
    await ElMessageBox.confirm(message, { confirmButtonText: yes, cancelButtonText: text('common.cancel'), type: danger ? 'warning' : undefined, autofocus: !danger })
    return true
  } catch {
    return false
  }
}

/** Nothing typed is lost unasked: guards the page, and returns the same guard for a drawer's own closing. */
export function useLeaveGuard(dirty: Ref<boolean>): (done: () => void) => void {
  const agreed = async () => !dirty.value || ask(text('common.unsaved'), text('common.leave'), true)
  const unload = (event: BeforeUnloadEvent) => {
    if (dirty.value) event.preventDefault()
  }
  onMounted(() => addEventListener('beforeunload', unload))
  onBeforeUnmount(() => removeEventListener('beforeunload', unload))
  onBeforeRouteLeave(agreed)
  return (done) => void agreed().then((yes) => yes && done())
}
