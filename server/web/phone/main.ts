import { createApp, h } from 'vue'
import '@shared/tokens.css'

createApp({ render: () => h('main', '明厨') }).mount('#app')
