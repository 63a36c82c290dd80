import { onScopeDispose, ref, type Ref } from 'vue'

/** Whether the window is too narrow for two panes beside each other. */
export function useNarrow(widthMax = 1023): Ref<boolean> {
  const media = matchMedia(`(max-width: ${widthMax}px)`)
  const narrow = ref(media.matches)
  const turn = () => (narrow.value = media.matches)
  media.addEventListener('change', turn)
  onScopeDispose(() => media.removeEventListener('change', turn))
  return narrow
}
