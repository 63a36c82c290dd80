/** Colours of plans and draws by their state. */
export const drawTone = (state: string): string => ({ committed: 'blue', drawn: 'amber', failed: 'red', approved: 'green' })[state] ?? ''
export const planTone = (state: string): string => ({ draft: 'blue', approved: 'green' })[state] ?? ''
