import { onScopeDispose, ref, shallowReactive, watch, type Ref } from 'vue'
import { decodable, FrameDecoder, openBrowserDecoder } from '@shared/frames'
import { WallLine, type Codec, type KeyFrame, type WallState } from '@shared/wall'
import { api } from '../state/app'

export interface TilePicture {
  /** An object URL, replaced with each new picture; or `bitmap`. */
  src?: string
  /** A picture that was decoded here, closed when the next one comes. */
  bitmap?: ImageBitmap
  /** When the camera's picture came to the server, milliseconds. */
  at: number
}

/** The pictures of the cameras that are shown, by one line; kept for as long as the page is. */
export function useWall(shown: Ref<string[]>, width: Ref<number>): { pictures: Map<string, TilePicture>; state: Ref<WallState> } {
  const pictures = shallowReactive(new Map<string, TilePicture>())
  const state = ref<WallState>('opening')
  const decoder = new FrameDecoder(openBrowserDecoder)
  let codecs: Codec[] = []
  let gone = false

  function keep(camera: string, picture: TilePicture): void {
    const before = pictures.get(camera)
    pictures.set(camera, picture)
    before?.bitmap?.close()
    // The picture before stays until the new one is drawn.
    if (before?.src) setTimeout(() => URL.revokeObjectURL(before.src!), 1_000)
  }

  /** Decodes a key frame here; a codec that fails is asked for as JPEG from then on. */
  async function decode(camera: string, at: number, frame: KeyFrame): Promise<void> {
    const decoded = await decoder.decode(frame)
    if (!decoded) {
      if (codecs.includes(frame.codec)) line.canDecode((codecs = codecs.filter((one) => one !== frame.codec)))
      return
    }
    // As wide as the tile: pictures of full size would fill the memory of the graphics card.
    const resizeWidth = Math.min(Math.round(width.value), decoded.displayWidth)
    const bitmap = await createImageBitmap(decoded, { resizeWidth, resizeQuality: 'medium' }).catch(() => null)
    decoded.close()
    if (!bitmap) return
    if (gone || (pictures.get(camera)?.at ?? 0) > at) bitmap.close()
    else keep(camera, { bitmap, at })
  }

  const line = new WallLine(api, {
    picture({ camera, at, jpeg, frame }) {
      if (frame) void decode(camera, at, frame)
      else if (jpeg) keep(camera, { src: URL.createObjectURL(jpeg), at })
    },
    state: (next) => (state.value = next),
  })
  // A page that nobody looks at asks for nothing.
  const hidden = ref(document.hidden)
  const look = () => (hidden.value = document.hidden)
  document.addEventListener('visibilitychange', look)
  // It begins when it is known what this browser decodes: a wall that asks for JPEG first has them made for nothing.
  const ready = ref(false)
  void decodable().then((found) => {
    line.canDecode((codecs = found))
    ready.value = true
  })
  watch([shown, width, hidden, ready], () => ready.value && line.show(hidden.value ? [] : shown.value, width.value), { immediate: true })
  onScopeDispose(() => {
    gone = true
    document.removeEventListener('visibilitychange', look)
    line.stop()
    decoder.stop()
    for (const one of pictures.values()) {
      one.bitmap?.close()
      if (one.src) URL.revokeObjectURL(one.src)
    }
  })
  return { pictures, state }
}
