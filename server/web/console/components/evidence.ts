/** What a desk shows of photos: each as taken, or its reduced copy until that has come, with what was made from it beside it. */
import type { InspectionEvidence } from '@shared/api/types'
import type { EvidencePicture } from './EvidencePictures.vue'

type Words = (key: string, named?: Record<string, unknown>) => string
type Address = (id: string, width?: number) => string

/** Pixels of what is looked at large where the file as taken cannot be. */
const LARGE_PX = 1920
/** What browsers do not show. */
const UNSHOWN = ['image/heic', 'image/heif']

export const isTaken = (file: InspectionEvidence): boolean => file.kind === 'photo' && !file.derived_from

/** One entry for a photo and one for each picture made from it; nothing of what has not come at all. */
export function shown(photo: InspectionEvidence, all: InspectionEvidence[], address: Address, t: Words, label?: string): EvidencePicture[] {
  const made = all.filter((one) => one.derived_from === photo.id && !one.made_by.includes('reduced') && one.received)
  const copy = all.some((one) => one.derived_from === photo.id && one.made_by.includes('reduced') && one.received)
  const own: EvidencePicture[] = []
  if (photo.received || copy) {
    const direct = photo.received && !UNSHOWN.includes(photo.filetype) && (photo.preview || !copy)
    own.push({ id: photo.id, src: direct ? address(photo.id) : photo.preview ? address(photo.id, LARGE_PX) : address(photo.id), small: photo.preview ? address(photo.id, 320) : null, label, notes: notes(photo, t) })
  }
  return [...own, ...made.map((one) => ({ id: one.id, src: address(one.id), small: address(one.id, 320), label, notes: [{ text: one.made_by.map((making) => t(`inspections.made.${making}`)).join(t('comma')), tone: 'blue' }] }))]
}

function notes(photo: InspectionEvidence, t: Words): { text: string; tone: string }[] {
  const found: { text: string; tone: string }[] = []
  if (!photo.received) found.push(photo.standing === 'withheld' ? { text: t('inspections.originalWithheld'), tone: '' } : { text: t('inspections.originalToCome'), tone: 'blue' })
  if (photo.received && !photo.preview) found.push({ text: t('inspections.noPreview'), tone: '' })
  if (photo.position?.far) found.push({ text: t('inspections.photoFar', { km: ((photo.position.distance_m ?? 0) / 1000).toFixed(1) }), tone: 'amber' })
  return found
}
