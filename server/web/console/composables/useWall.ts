import { onScopeDispose, reactive, ref, watch, type Ref } from 'vue'
import { WallLine, type WallState } from '@shared/wall'
import { api } from '../state/app'

export interface TilePicture {
  /** An object URL, replaced with each new picture. */
  src: string
  /** When the camera's picture came to the server, milliseconds. */
  at: number
}

/** The pictures of the cameras that are shown, by one line; kept for as long as the page is. */
export function useWall(shown: Ref<string[]>, width: Ref<number>): { pictures: Map<string, TilePicture>; state: Ref<WallState> } {
  const pictures = reactive(new Map<string, TilePicture>())
  const state = ref<WallState>('opening')
  const line = new WallLine(api, {
    picture({ camera, at, jpeg }) {
      const before = pictures.get(camera)
      pictures.set(camera, { src: URL.createObjectURL(jpeg), at })
      // The picture before stays until the new one is drawn.
      if (before) setTimeout(() => URL.revokeObjectURL(before.src), 1_000)
    },
    state: (next) => (state.value = next),
  })
  // A page that nobody looks at asks for nothing.
  const hidden = ref(document.hidden)
  const look = () => (hidden.value = document.hidden)
  document.addEventListener('visibilitychange', look)
  watch([shown, width, hidden], () => line.show(hidden.value ? [] : shown.value, width.value), { immediate: true })
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', look)
    line.stop()
    for (const one of pictures.values()) URL.revokeObjectURL(one.src)
  })
  return { pictures, state }
}
