import { createApp, h } from 'vue'
import '@shared/tokens.css'
import '@shared/theme'

createApp({ render: () => h('main', '明厨') }).mount('#app')
