/**
 * The one state of the app beside its pages: who is signed in, the network, what waits to be sent, what was synced. Being
 * signed in and having a session are two things: `me` stays when a session ends, so that work goes on without one.
 */
import { computed, ref, shallowRef } from 'vue'
import { ApiClient } from '@shared/api/client'
import { asProblem, Problem } from '@shared/api/problem'
import { browserStore, deviceId } from '@shared/api/session'
import { savedLocale } from '@shared/i18n'
import { openPhoneDb, readMeta, writeMeta, type PhoneDb } from './engine/db'
import { Outbox, type OutboxEntry } from './engine/outbox'
import { prune } from './engine/prune'
import { synchronise, syncStateKey, type SyncState } from './engine/sync'

export interface Me {
  id: string
  username: string
  display_name: string
  password_change_required: boolean
  grants: { role: string; node_id: string; node_name: string; node_level: string }[]
  permissions: string[]
}

const ME = 'me'
const TICK_MS = 5_000
const SYNC_EVERY_MS = 300_000

export const me = shallowRef<Me | null>(null)
const hasSession = ref(false)
/** Signed in here once, but the server wants the password again. Drafts go on; sending waits. */
export const expired = computed(() => me.value !== null && !hasSession.value)
export const may = (permission: string) => me.value?.permissions.includes(permission) ?? false
export const isOfficer = computed(() => may('inspections.conduct'))
export const isCanteen = computed(() => !isOfficer.value && may('alerts.rectify'))

const connected = ref(navigator.onLine)
const reachable = ref(true)
/** Whether there is a network and the server answers through it. */
export const online = computed(() => connected.value && reachable.value)

export const entries = shallowRef<OutboxEntry[]>([])
export const toSend = computed(() => entries.value.reduce((count, entry) => count + 1 + entry.files.filter((file) => !file.done).length, 0))
export const sending = computed(() => entries.value.some((entry) => entry.state === 'sending'))
export const attention = computed(() => entries.value.filter((entry) => entry.state === 'conflict' || entry.state === 'refused').length)

export const syncing = ref(false)
export const syncFailed = ref(false)
export const syncState = shallowRef<SyncState | null>(null)
/** Counts up when rows or drafts changed below the pages. */
export const changes = ref(0)

const store = browserStore('bk.phone.session')
export const device = { id: deviceId(), model: modelOf(navigator.userAgent) }

export const api = new ApiClient({
  store,
  deviceId: device.id,
  language: savedLocale,
  onSignedOut: () => (hasSession.value = false),
  fetch: async (input, init) => {
    try {
      const response = await fetch(input, init)
      reachable.value = true
      return response
    } catch (error) {
      if ((error as Error).name !== 'AbortError') reachable.value = false
      throw error
    }
  },
})

let opened: PhoneDb | null = null
export function db(): PhoneDb {
  if (!opened) throw new Error('the database is not open yet')
  return opened
}

let box: Outbox | null = null
export function outbox(): Outbox {
  if (!box) throw new Error('the outbox is not ready yet')
  return box
}

/** Opens what is kept and begins to work in the background. Needs no network. */
export async function start(): Promise<void> {
  opened = await openPhoneDb()
  box = new Outbox({ db: opened, api, userId: () => (me.value && hasSession.value ? me.value.id : null), changed: reloadEntriesSoon })
  me.value = (await readMeta<Me>(opened, ME)) ?? null
  hasSession.value = store.load() !== null
  if (me.value) await belongTo(me.value)
  addEventListener('online', () => wake(true))
  addEventListener('offline', () => (connected.value = false))
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wake(true))
  setInterval(() => wake(false), TICK_MS)
  wake(true)
}

async function belongTo(user: Me): Promise<void> {
  me.value = user
  syncState.value = (await readMeta<SyncState>(db(), syncStateKey(user.id))) ?? null
  await prune(db(), user.id)
  await reloadEntries()
  changes.value += 1
}

function wake(now: boolean): void {
  connected.value = navigator.onLine
  if (!connected.value || !me.value || !hasSession.value || me.value.password_change_required) return
  if (now || entries.value.length > 0) void outbox().kick(now ? 'now' : 'due')
  const age = Date.now() - Date.parse(syncState.value?.at ?? '1970-01-01')
  const stale = age > (now ? 30_000 : SYNC_EVERY_MS)
  if (stale && document.visibilityState === 'visible') void syncNow().catch(() => undefined)
}

let reloading: ReturnType<typeof setTimeout> | undefined
function reloadEntriesSoon(): void {
  reloading ??= setTimeout(() => {
    reloading = undefined
    void reloadEntries()
  }, 100)
}

export async function reloadEntries(): Promise<void> {
  const before = entries.value.length
  entries.value = me.value ? await db().getAllFromIndex('outbox', 'byUser', me.value.id) : []
  if (entries.value.length !== before) changes.value += 1
}

export async function signIn(username: string, password: string): Promise<void> {
  await api.signIn(username, password)
  hasSession.value = true
  await loadMe()
  wake(true)
}

/** Who this is, as the server says now. */
export async function loadMe(): Promise<void> {
  const user = await api.get<Me>('/me')
  await writeMeta(db(), ME, user)
  await belongTo(user)
}

export async function changePassword(current: string, next: string): Promise<void> {
  await api.changePassword(current, next)
  await loadMe()
  wake(true)
}

/** Ends the login on this phone. Drafts and what waits to be sent stay for the next time. */
export async function signOut(): Promise<void> {
  await api.signOut()
  await db().delete('meta', ME)
  me.value = null
  entries.value = []
  syncState.value = null
  changes.value += 1
}

let running: Promise<void> | null = null
/** Fetches what changed. Calls at the same time share one run. */
export function syncNow(): Promise<void> {
  const user = me.value
  if (!user) return Promise.resolve()
  running ??= (async () => {
    syncing.value = true
    try {
      const state = await synchronise(db(), api, user.id)
      if (me.value?.id === user.id) syncState.value = state
      syncFailed.value = false
    } catch (error) {
      syncFailed.value = true
      throw error
    } finally {
      syncing.value = false
      changes.value += 1
      running = null
    }
  })()
  return running
}

/** Words for any failure; the server's own where it gave some. */
export function wordsFor(error: unknown, t: (key: string, named?: Record<string, unknown>) => string): string {
  const problem: Problem = asProblem(error)
  if (problem.type === 'network') return t('error.network')
  if (problem.status >= 500) return t('error.server')
  if (problem.status > 0) return problem.body.detail || problem.body.title
  return t('error.unknown', { detail: problem.body.title })
}

function modelOf(agent: string): string {
  const inner = /\(([^)]*)\)/.exec(agent)?.[1] ?? agent
  return inner.slice(0, 100)
}
