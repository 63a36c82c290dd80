/** Working without a network: the worker that keeps the app itself, and the browser's promise not to clear what is kept. */
import { ref } from 'vue'

/** The app's files are kept: it opens without a network. */
export const shellReady = ref(false)
/** A newer version waits; set once its files are here. */
export const updateReady = ref(false)
/** The browser does not clear our data by itself. */
export const persisted = ref<boolean | null>(null)

let waiting: ServiceWorker | null = null

export function registerWorker(): void {
  void askToPersist()
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  navigator.serviceWorker.register('/m/sw.js', { scope: '/m/', type: 'module' }).then(watch).catch(console.error)
  void navigator.serviceWorker.ready.then(() => (shellReady.value = true))
}

function watch(registration: ServiceWorkerRegistration): void {
  const offer = (worker: ServiceWorker | null) => {
    if (!worker || !navigator.serviceWorker.controller) return
    waiting = worker
    updateReady.value = true
  }
  offer(registration.waiting)
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing
    worker?.addEventListener('statechange', () => worker.state === 'installed' && offer(worker))
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && navigator.onLine) void registration.update().catch(() => undefined)
  })
}

/** Goes over to the newer version. Everything typed is saved already, so a reload loses nothing. */
export function useUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
  waiting?.postMessage('skip-waiting')
}

export async function askToPersist(): Promise<void> {
  if (!navigator.storage?.persist) return
  persisted.value = (await navigator.storage.persisted()) || (await navigator.storage.persist())
}

/** This app is too old for the server: gets the newer one and goes over to it. Drafts are in the database and stay. */
export async function refreshApp(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration('/m/')
  await registration?.update().catch(() => undefined)
  if (waiting) useUpdate()
  else location.reload()
}
