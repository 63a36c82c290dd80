/** One draft, open on a page: every change is saved at once, and a change after signing removes the signatures. */
import { showConfirmDialog, showToast } from 'vant'
import { markRaw, onBeforeUnmount, ref, shallowReactive, shallowRef } from 'vue'
import { LIMITS, type Evidence, type Making, type Signature } from '@shared/inspection'
import { isReduced } from '@shared/originals'
import { changes, photoFoundNoRoom, safe } from '../core'
import { answer, touch, type Draft, type DraftAnswer, type StoredFile } from '../engine/draft'
import { makeRoom } from '../engine/room'
import { Saver } from '../engine/saver'
import { t } from '../i18n'
import { storedClip, type ClipKind } from './clips'
import { locate, type PlaceFault } from './place'
import { made, readBoth, readPhoto } from './photos'

export function useDraft(id: string) {
  const draft = ref<Draft | null>(null)
  const loaded = ref(false)
  const saving = ref<'saved' | 'saving' | 'failed'>('saved')
  const files = shallowReactive(new Map<string, StoredFile>())
  const placing = ref(false)
  const placeFault = shallowRef<PlaceFault | null>(null)

  const saver = new Saver<Draft>((value) => makeRoom(safe(), () => safe().putDraft(value)), {
    saved: () => (saving.value = 'saved'),
    failed: () => (saving.value = 'failed'),
  })

  const ready = (async () => {
    // On a phone that is shared, nobody opens somebody else's draft: it is sealed with other keys.
    const found = await safe().draft(id)
    if (found) {
      for (const file of await safe().files(id)) files.set(file.id, file)
      // Copies that never change need no watching; a checklist of 200 items is long to watch.
      markRaw(found.template)
      markRaw(found.premises)
      draft.value = found
    }
    loaded.value = true
  })()

  function save(): void {
    saving.value = 'saving'
    saver.save(() => JSON.parse(JSON.stringify(draft.value)) as Draft)
  }

  onBeforeUnmount(() => void saver.settled().then(() => (changes.value += 1)))

  /** Asks before the first change after signing; false when the officer would rather keep the signatures. */
  async function unsigned(): Promise<boolean> {
    const open = draft.value
    if (!open || open.stage !== 'filling') return false
    if (open.signatures.length === 0) return true
    try {
      await showConfirmDialog({ message: t('run.signedWarn'), confirmButtonText: t('run.edit') })
    } catch {
      return false
    }
    for (const one of [...open.signatures]) await dropSignature(one)
    return true
  }

  async function give(code: string, change: Partial<DraftAnswer>): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    for (const [field, value] of Object.entries(change.values ?? {})) {
      const before = draft.value.answers[code]?.values?.[field]
      if (value === null && draft.value.evidence.some((one) => one.id === before)) dropDrawing(before)
    }
    answer(draft.value, code, change)
    save()
  }

  /** The same change for several items, drawn and saved once. */
  async function giveAll(codes: string[], change: Partial<DraftAnswer>): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    for (const code of codes) answer(draft.value, code, change)
    save()
  }

  async function clear(code: string): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    for (const value of Object.values(draft.value.answers[code]?.values ?? {})) {
      if (draft.value.evidence.some((one) => one.id === value && one.kind === 'signature')) dropDrawing(value)
    }
    const kept = draft.value.answers[code]?.evidence_ids ?? []
    if (kept.length > 0) draft.value.answers[code] = { evidence_ids: kept, answered_at: new Date().toISOString() }
    else delete draft.value.answers[code]
    save()
  }

  async function addPhotos(code: string, picked: FileList | null): Promise<void> {
    if (!picked || !(await unsigned())) return
    for (const file of Array.from(picked)) {
      const open = draft.value
      if (!open) return
      const ids = open.answers[code]?.evidence_ids ?? []
      if (ids.length >= LIMITS.evidencePerAnswer) return void showToast(t('run.photoMany'))
      const stored = await storePhoto(file, code)
      if (stored === 'unread') continue
      if (stored === 'full') return
      answer(open, code, { evidence_ids: [...(open.answers[code]?.evidence_ids ?? []), stored] })
      save()
      navigator.vibrate?.(20)
    }
  }

  /** Keeps a photo as taken, with its reduced copy; its evidence id, or why there is none, which has been said. */
  async function storePhoto(file: File, code?: string): Promise<string | 'unread' | 'full'> {
    const open = draft.value
    if (!open) return 'full'
    if (open.evidence.length >= LIMITS.evidencePerPart) {
      showToast(t('run.photoMany'))
      return 'full'
    }
    const read = await readBoth(file, open.id, open.user_id)
    if (typeof read === 'string') {
      showToast({ message: t(`run.${read}`), duration: 4000 })
      return 'unread'
    }
    const { taken: stored, reduced } = read
    if (!(await keep(stored))) return 'full'
    open.evidence.push({
      id: stored.id, kind: 'photo', sha256: stored.sha256, filetype: stored.filetype, bytes: stored.bytes,
      taken_at: new Date(file.lastModified || Date.now()).toISOString(), ...(code ? { item_code: code } : {}),
    })
    // Where there is no room for the copy the file as taken goes alone.
    if (reduced && open.evidence.length < LIMITS.evidencePerPart && (await keep(reduced))) open.evidence.push(derivative(stored.id, reduced, ['reduced'])!)
    return stored.id
  }

  /** Evidence that names the file as taken by its hash. */
  function derivative(takenId: string, file: StoredFile, made_by: Making[]): Evidence | null {
    const taken = draft.value?.evidence.find((one) => one.id === takenId)
    if (!taken) return null
    return {
      id: file.id, kind: 'photo', sha256: file.sha256, filetype: file.filetype, bytes: file.bytes, taken_at: taken.taken_at,
      ...(taken.item_code ? { item_code: taken.item_code } : {}), derived: { from: taken.id, sha256: taken.sha256, made_by },
    }
  }

  /** What was drawn on a photo: a picture of its own beside it. One a photo; drawing again replaces it, until it is submitted. */
  async function markPhoto(takenId: string, drawn: { blob: Blob; preview: Blob | null; made_by: Making[] } | null): Promise<boolean> {
    if (!(await unsigned()) || !draft.value) return false
    const open = draft.value
    const taken = files.get(takenId)
    const before = open.evidence.filter((one) => one.derived?.from === takenId && !isReduced(one))
    if (drawn) {
      if (!taken || open.evidence.length >= LIMITS.evidencePerPart) return false
      const file = await made(taken, drawn.blob, drawn.preview)
      if (!(await keep(file))) return false
      open.evidence.push(derivative(takenId, file, drawn.made_by)!)
    }
    for (const one of before) dropDrawing(one.id)
    touch(open)
    save()
    return true
  }

  /** Any other change: signatures under what was shown before go first. */
  async function change(how: (open: Draft) => void): Promise<boolean> {
    if (!(await unsigned()) || !draft.value) return false
    how(draft.value)
    touch(draft.value)
    save()
    return true
  }

  /** A recording of an item; it stands beside the photos and counts as none of them. */
  async function addClip(code: string, kind: ClipKind, made: { recording: Blob; duration_ms: number; preview: Blob | null }): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    const open = draft.value
    const own = open.evidence.filter((one) => one.item_code === code && (one.kind === 'video' || one.kind === 'audio'))
    if (own.length >= LIMITS.clipsPerItem || open.evidence.length >= LIMITS.evidencePerPart) return void showToast(t('clip.many'))
    const stored = await storedClip(made.recording, open.id, open.user_id, made.preview)
    if (stored.bytes > LIMITS.evidenceBytes) return void showToast(t('clip.tooBig'))
    if (!(await keep(stored))) return
    open.evidence.push({
      id: stored.id, kind, sha256: stored.sha256, filetype: stored.filetype, bytes: stored.bytes, duration_ms: made.duration_ms,
      taken_at: new Date(Date.now() - made.duration_ms).toISOString(), item_code: code,
    })
    touch(open)
    save()
    navigator.vibrate?.(20)
  }

  async function removeClip(id: string): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    dropDrawing(id)
    touch(draft.value)
    save()
  }

  /** A photo of no item, such as of a sample; its evidence id. */
  async function photo(file: File): Promise<string | null> {
    if (!(await unsigned())) return null
    const stored = await storePhoto(file)
    if (stored === 'unread' || stored === 'full') return null
    save()
    return stored
  }

  async function keep(stored: StoredFile): Promise<boolean> {
    try {
      await safe().putFile(stored)
      files.set(stored.id, stored)
      return true
    } catch {
      showToast({ message: t('run.noRoom'), duration: 5000 })
      photoFoundNoRoom()
      return false
    }
  }

  async function removePhoto(code: string, fileId: string): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    const open = draft.value
    dropMade(fileId)
    open.evidence = open.evidence.filter((one) => one.id !== fileId)
    answer(open, code, { evidence_ids: (open.answers[code]?.evidence_ids ?? []).filter((one) => one !== fileId) })
    save()
    await saver.settled()
    await safe().db.delete('files', fileId)
    files.delete(fileId)
  }

  /** A signature that a field asks for; one that was there goes. */
  async function signField(code: string, field: string, drawing: Blob): Promise<void> {
    if (!(await unsigned()) || !draft.value) return
    const open = draft.value
    const stored = await readPhoto(drawing, open.id, open.user_id)
    if (typeof stored === 'string' || !(await keep({ ...stored, preview: drawing }))) return
    dropDrawing(open.answers[code]?.values?.[field])
    open.evidence.push({
      id: stored.id, kind: 'signature', sha256: stored.sha256, filetype: stored.filetype, bytes: stored.bytes, taken_at: new Date().toISOString(), item_code: code,
    })
    answer(open, code, { values: { ...open.answers[code]?.values, [field]: stored.id } })
    save()
  }

  /** What was made from a photo. */
  function dropMade(taken: string): void {
    for (const one of draft.value?.evidence.filter((other) => other.derived?.from === taken) ?? []) dropDrawing(one.id)
  }

  /** A photo with what was made from it. */
  function dropPhoto(id: string): void {
    dropMade(id)
    dropDrawing(id)
  }

  function dropDrawing(id: unknown): void {
    if (typeof id !== 'string' || !draft.value) return
    draft.value.evidence = draft.value.evidence.filter((one) => one.id !== id)
    files.delete(id)
    void safe().db.delete('files', id)
  }

  async function sign(signature: Omit<Signature, 'evidence_id'>, drawing: Blob | null): Promise<void> {
    const open = draft.value
    if (!open) return
    const made: Signature = { ...signature }
    if (drawing) {
      const stored = await readPhoto(drawing, open.id, open.user_id)
      if (typeof stored === 'string' || !(await keep({ ...stored, preview: drawing }))) return
      made.evidence_id = stored.id
      open.evidence.push({
        id: stored.id, kind: 'signature', sha256: stored.sha256, filetype: stored.filetype, bytes: stored.bytes, taken_at: new Date().toISOString(),
      })
    }
    open.signatures.push(made)
    save()
  }

  /** Keeps a drawing that is no signature under the result, such as the answer about recusal; its evidence id. */
  async function drawing(blob: Blob): Promise<string | null> {
    const open = draft.value
    if (!open) return null
    const stored = await readPhoto(blob, open.id, open.user_id)
    if (typeof stored === 'string' || !(await keep({ ...stored, preview: blob }))) return null
    open.evidence.push({ id: stored.id, kind: 'signature', sha256: stored.sha256, filetype: stored.filetype, bytes: stored.bytes, taken_at: new Date().toISOString() })
    return stored.id
  }

  async function dropSignature(signature: Signature): Promise<void> {
    const open = draft.value
    if (!open) return
    open.signatures = open.signatures.filter((one) => one.name !== signature.name || one.by !== signature.by)
    if (signature.evidence_id) {
      open.evidence = open.evidence.filter((one) => one.id !== signature.evidence_id)
      files.delete(signature.evidence_id)
      await safe().db.delete('files', signature.evidence_id)
    }
    save()
  }

  async function place(): Promise<void> {
    if (placing.value || !draft.value || draft.value.stage !== 'filling') return
    placing.value = true
    placeFault.value = null
    try {
      const found = await locate()
      draft.value.places = [...draft.value.places, found].slice(-LIMITS.locationsPerPart)
      touch(draft.value)
      save()
    } catch (why) {
      placeFault.value = why as PlaceFault
    } finally {
      placing.value = false
    }
  }

  return { draft, loaded, ready, saving, saver, files, save, give, giveAll, clear, signField, addPhotos, removePhoto, markPhoto, addClip, removeClip, sign, drawing, change, photo, dropPhoto, dropDrawing, dropSignature, place, placing, placeFault }
}
