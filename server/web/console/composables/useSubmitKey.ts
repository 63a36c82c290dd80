import { onBeforeUnmount, onMounted, toValue, type MaybeRefOrGetter } from 'vue'

/** Ctrl+Enter (⌘+Enter) sends the form that is open, wherever in it the focus is and before it has come there. */
export function useSubmitKey(open: MaybeRefOrGetter<boolean>, send: () => void): void {
  const heard = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing || !toValue(open)) return
    event.preventDefault()
    send()
  }
  onMounted(() => document.addEventListener('keydown', heard))
  onBeforeUnmount(() => document.removeEventListener('keydown', heard))
}
