import alerts from './alerts'
import calendar from './calendar'
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
import ruleProposals from './ruleProposals'
import running from './running'
import security from './security'
import selfChecks from './selfChecks'
import telling from './telling'
import { language, type Pairs } from './pairs'

export const texts: Pairs = { ...common, ...alerts, ...calendar, ...cameras, ...designer, ...incidents, ...inspections, ...papers, ...people, ...places, ...planning, ...risk, ...ruleProposals, ...running, ...security, ...selfChecks, ...telling }
export const zh = language(texts, 0)
export const en = language(texts, 1)
