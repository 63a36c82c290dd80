/** The console's service worker: it hears pushes and keeps nothing. */
import { hearPushes } from '@shared/pushWorker'

hearPushes(self as unknown as ServiceWorkerGlobalScope)
