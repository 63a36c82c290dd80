import alerts from './alerts'
import cameras from './cameras'
import common from './common'
import designer from './designer'
import incidents from './incidents'
import inspections from './inspections'
import papers from './papers'
import people from './people'
import places from './places'
import planning from './planning'
import risk from './risk'
import running from './running'
import security from './security'
import selfChecks from './selfChecks'
import telling from './telling'
import { language, type Pairs } from './pairs'

export const texts: Pairs = { ...common, ...alerts, ...cameras, ...designer, ...incidents, ...inspections, ...papers, ...people, ...places, ...planning, ...risk, ...running, ...security, ...selfChecks, ...telling }
export const zh = language(texts, 0)
export const en = language(texts, 1)
