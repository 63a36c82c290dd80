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
import { i18n } from './i18n'
import { registerWorker } from './offline'
import { router } from './router'

// Two promises are kept before the first page: the store is open, and who works here is known without a network.
start()
  .then(() => {
    createApp(App).use(i18n).use(router).mount('#app')
    registerWorker()
  })
  .catch((error: unknown) => {
    console.error(error)
    createApp(Broken).use(i18n).mount('#app')
  })
