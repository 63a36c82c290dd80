import { createApp } from 'vue'
import '@shared/tokens.css'
import '@shared/theme'
import 'vant/es/toast/style'
import 'vant/es/dialog/style'
import 'vant/es/image-preview/style'
import './phone.css'
import App from './App.vue'
import Broken from './views/Broken.vue'
import { start } from './core'
import { wordsReady } from './i18n'
import { registerWorker } from './offline'
import { loadPages, router } from './router'

// Before the first page the store is open, who works here is known without a network, and the words of their language are there.
Promise.all([start(), wordsReady])
  .then(() => {
    createApp(App).use(router).mount('#app')
    // Not before the first page stands: they would take the network from it.
    void router.isReady().then(loadPages).catch(console.error).then(registerWorker)
  })
  .catch((error: unknown) => {
    console.error(error)
    createApp(Broken).mount('#app')
  })
