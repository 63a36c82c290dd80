/** The English of `zh.ts`; a test compares their keys. */
export default {
  tab: { today: 'Today', premises: 'Premises', messages: 'Messages', me: 'Me', kitchen: 'Kitchen', alerts: 'Alerts', selfChecks: 'Self-check' },
  common: {
    retry: 'Try again', cancel: 'Cancel', confirm: 'OK', save: 'Save', done: 'Done', back: 'Back', close: 'Close', remove: 'Delete', search: 'Search',
    loading: 'Loading', yes: 'Yes', no: 'No', optional: 'optional', all: 'All', next: 'Next', count: '{n} in all',
  },
  net: {
    online: 'On line', offline: 'No network: you can go on working', toSend: '{n} to send, safe on this phone', sending: 'Sending {n}', attention: '{n} need a look', tooOld: 'This app is too old; tap to update. Everything stays on this phone', roomLow: 'This phone is nearly full: go online and send soon',
    expired: 'Signed out. Your drafts are safe here.', signIn: 'Sign in', allSent: 'All sent', updated: 'A new version is ready', update: 'Update',
  },
  signIn: {
    title: 'Sign in', username: 'User name', password: 'Password', submit: 'Sign in', needNetwork: 'The first time needs a network; after that you can work without.', wrong: 'Wrong user name or password',
    locked: 'Too many failures. Try again in {minutes} min.', offline: 'There is no network, so nobody can sign in. Drafts on this phone are safe.', forgot: 'Forgot it? An administrator can set a new one.',
    again: 'Sign in to go on: drafts and what waits to be sent are still here.', required: 'User name and password, please',
  },
  password: {
    title: 'Change password', why: 'An administrator set this password. Choose your own to go on.', current: 'Current password', next: 'New password', again: 'New password again', rule: 'At least 10 characters, not your user name.',
    differ: 'The two new passwords differ', short: 'At least 10 characters', changed: 'Password changed', submit: 'Change password',
  },
  today: {
    title: 'Today', hello: '{name}, {date}', due: 'Due {date}', overdue: 'Overdue', dueToday: 'Due today', assignments: 'Assignments', drafts: 'Unfinished', none: 'No assignments',
    span: { today: 'Today', month: 'This month', all: 'All' }, asMap: 'Map', asList: 'List', nearest: 'By distance', lateCount: '{n} overdue', noneInSpan: 'Nothing is due in this time', noPoint: '{n} have no position and are not on the map', merged: 'Merged: {names}',
    map: { title: 'Where the assignments are', north: 'N', in: 'Zoom in', out: 'Zoom out', m: '{n} m', km: '{n} km' },
    noneHelp: 'New ones come to this phone whenever there is a network. You can also begin from Premises.', start: 'Begin', resume: 'Go on', synced: 'Synced {when}', never: 'Not synced yet',
    syncing: 'Syncing', syncFailed: 'Sync failed, using what is here', pull: 'Pull to sync', sent: 'Submitted', key: 'key', answered: '{answered} of {total} answered', failed: '{n} failed',
    saved: 'Saved {when}', officers: 'Officers {names}', remove: 'Delete draft', removeAsk: 'Delete the draft for {name}? Its photos ({photos}) go too. This cannot be undone.', removed: 'Draft deleted', begunElsewhere: 'This was begun on another phone. If you are on it, you join it here; otherwise another one begins. Go on?',
  },
  premises: {
    title: 'Premises', near: 'Near me', licence: 'Licence', orders: 'To be put right', noOrders: 'Nothing to be put right', noAlerts: 'No open alerts', cameras: 'Cameras', findings: 'Found last time', history: 'Inspections', search: 'Name, address, licence number', none: 'Nothing found', noneHelp: 'Try another word. Search uses what is on this phone and works without a network.', empty: 'No premises here yet', emptyHelp: 'Pull down to sync when there is a network.',
    address: 'Address', school: 'School', diners: 'Diners', grade: 'Risk grade', office: 'Office', operators: 'Operators', last: 'Last inspection', noLast: 'None on record', openAlerts: 'Open alerts',
    start: 'Begin inspection', chooseTemplate: 'Checklist', chooseKind: 'Kind of inspection', other: 'Other checklists', noTemplates: 'No checklist on this phone yet. Sync first.', distance: 'About {m} m from you', distanceKm: 'About {km} km from you',
    continueAsk: 'There is an unfinished inspection of this place. Go on with it?', continue: 'Go on', another: 'Begin another', detail: 'Premises', route: 'Route',
  },
  run: {
    progress: '{answered} of {total}', section: 'Section {n}', remark: 'Remark', findings: 'What was found', findingsHelp: 'Where, what, how much', reason: 'Why it does not apply', reasonHelp: 'In a few words', addRemark: 'Add a remark',
    affects: 'Does it affect food safety?', affectsYes: 'Yes', affectsNo: 'No', corrected: 'Corrected on the spot', photo: 'Photo', album: 'Album', photos: 'Photos', key: 'Key item', basis: 'Basis: {basis}',
    range: 'Conforms: {range}', outOfRange: 'Out of range', needPhotos: 'Photos wanted: {n}', needPhoto: 'A failure wants a photo', photoTooBig: 'Over 25 MB. Lower the camera resolution and take it again.', photoType: 'Not a picture we can keep. Take a photo, or choose JPEG, PNG or HEIC.',
    photoMany: 'At most 20 photos an item', noRoom: 'The phone is full: the photo was not kept. Free some space and take it again.', notSaved: 'Not saved. Please stay on this page.', saved: 'Saved', saving: 'Saving', original: 'Kept as taken, nothing changed', removePhoto: 'Delete this photo?', noPreview: 'No preview', taken: 'Taken {when}',
    openOnly: 'Open', failedOnly: 'Failed', showAll: 'All', review: 'Check the result', review_short: 'Result', conformAll: 'The rest of this section conforms', conformAsk: 'Mark the {n} open items of this section as conforming? {m} that want photos are left out.', place: 'Position', placing: 'Finding position', placed: 'Position within {m} m', placeFailed: 'No position: {why}', placeDenied: 'not allowed', placeUnavailable: 'no signal', far: 'About {m} m from the address on record. Please check.',
    hidden: '{n} not shown by their conditions', previous: 'Last time: {what}', remarks: 'Standard remarks', must: 'Must be given', lack: { field: '“{label}” must be given', answer: 'Not answered', reason: 'Needs words', affects_safety: 'Say whether it affects safety', photo: 'Needs a photo', photos: 'Needs a photo' }, signedWarn: 'A change removes the signatures; they are asked for again.', edit: 'Change', emptyFilter: 'No such items', number: 'Value', exit: 'Save and leave', exited: 'Kept on this phone', law: 'One failed key item decides the result', clear: 'Clear answer', unanswered: '{n} not answered', notFound: 'No such inspection here', notFoundHelp: 'It may belong to another account, or was deleted from this phone.',
  },
  review: {
    title: 'Result', local: 'Judged on this phone by the rule of the checklist; the server judges again', outcome: 'Result', score: 'Score', grade: 'Grade', checked: '{n} checked ({key} key, {general} general)', keyFailed: '{n} key failed', generalFailed: '{n} general failed',
    notApplicable: '{n} not applicable', missing: '{n} still to do before signing', missingHelp: 'Tap one to go there', sign: 'Sign', noFailures: 'Nothing failed', consequences: 'Failed items and what follows', photos: 'Photos: {n}', onlyOne: 'The law asks for two officers or more. Only {n} is named here: please check.', fixes: 'To complete', noScore: 'none',
    officers: 'Officers', partial: 'Judged on the {n} answered',
  },
  sign: {
    title: 'Signatures', shown: 'Signing confirms the record above', officer: 'Officer', premises: 'Premises', witness: 'Witness', name: 'Name', nameNeeded: 'Name, please', draw: 'Sign here', redraw: 'Again', confirm: 'Confirm', signed: 'Signed', sign: 'Sign', refuse: 'Refuses', refused: 'Refused', refuseReason: 'Reason of refusal', refuseReasonHelp: 'Such as: does not agree with the result', witnessHelp: 'A refusal wants a witness',
    reasonNeeded: 'Reason of refusal, please', submit: 'Submit', submitAsk: 'Nothing can be changed afterwards. Result: {outcome}. Photos: {photos}.', submitOffline: 'No network: it is kept safe on this phone and sent when there is one.', needOfficer: 'At least one officer signs', needPremises: 'The premises signs, or its refusal is noted', needWitness: 'A refusal wants the signature of a witness', stale: 'Changed after signing: please sign again', hash: 'Fingerprint {hash}', empty: 'Nothing drawn yet', remove: 'Remove signature', add: 'Add officer', you: 'you', clauses: 'The premises has read this record', edit: 'Back to change', submitted: 'Submitted',
  },
  sent: {
    title: 'Inspection', queued: 'Safe on this phone, waiting to be sent', sending: 'Sending', done: 'Arrived', doneHelp: 'Record, photos and signatures are on the server.', differs: 'The server judged otherwise; both are kept.', server: 'Server', phone: 'This phone', home: 'Back to Today', photosLeft: 'Photos and signatures {sent} of {total}',
  },
  outbox: {
    otherPhone: 'Another phone of yours has sent a part of this inspection. Taken back, both are looked at together; where they differ you choose, and both are kept.', conflictAct: 'What the server has is another by now; this did not take effect.', drop: 'Drop', dropAsk: 'It is not sent any more; do it anew if it is still wanted.', act: { sample_discard: 'Sample thrown away', order_answer: 'Answer to an order', order_review: 'Re-check of an order' },
    title: 'To send', empty: 'Nothing to send', emptyHelp: 'Everything has arrived.', sendNow: 'Send now', state: { queued: 'Waiting', sending: 'Sending', waiting: 'Tries again by itself', signed_out: 'Goes after signing in', conflict: 'The server has other content', refused: 'The server did not accept it' },
    nextTry: 'Again in about {when} (try {n})', files: 'Photos and signatures {sent} of {total}', size: '{sent} / {total}', safe: 'All of it is safe on this phone.', takeBack: 'Take back', takeBackAsk: 'You can change it then; it is signed and submitted again.', tookBack: 'Taken back, ready to change',
    conflictHelp: 'The server has another content for it. Take it back and submit it as a new version.', here: 'Here {hash}', there: 'Server {hash}', detail: 'Why: {why}', queuedAt: 'Submitted {when}', noNetwork: 'No network; it goes by itself when there is one', sentNow: 'Sending',
    why: { network: 'No network', file_lost: 'A photo is not on this phone any more', file_damaged: 'A photo is damaged', evidence_missing: 'The server still misses photos', upload_stuck: 'The upload does not advance' },
  },
  messages: { title: 'Messages', empty: 'No messages', emptyHelp: 'New assignments, returns and reminders appear here.', rectifications: 'To put right', read: 'All read', due: 'Due {date}',
    kind: { alert_raised: 'New alert', dispatched: 'To put right', rectified: 'Put right, to review', sent_back: 'Sent back', closed: 'Closed', reminder: 'Due soon', overdue: 'Overdue', half_time: 'Half of the time is gone', order_issued: 'Order to put right', order_answered: 'Order answered, to re-check', order_sent_back: 'Order sent back', order_closed: 'Order closed', order_extended: 'More time given', order_withdrawn: 'Order withdrawn', self_check_soon: 'A daily paper is due soon', self_check_late: 'A daily paper is late', samples_over: 'Samples kept for 48 hours', other: 'Reminder' } },
  me: {
    title: 'Me', device: 'This phone', language: 'Language', theme: 'Appearance', light: 'Light', dark: 'Dark', system: 'As the phone', offlineReady: 'Works without network', offlineReadyNot: 'Getting ready to work without network', storage: 'Space used', persisted: 'The browser keeps it', notPersisted: 'The browser may clear it when space is short: send soon', lastSync: 'Last sync', sync: 'Sync now', password: 'Change password', signOut: 'Sign out', signOutAsk: 'Drafts and what waits to be sent stay on this phone for the next time.',
    signOutWaiting: '{n} not sent yet. They stay here and go after the next sign-in.', version: 'Version', roles: 'Roles', outbox: 'To send', drafts: 'Drafts', encrypted: 'Drafts, photos and signatures are encrypted', copiesDone: 'Encrypted copies are on the server', copiesBehind: '{n} draft(s) without a copy yet; done by itself once online', roomLow: 'This phone is nearly full', roomLowHelp: 'Text can still be saved, photos may not fit. Go online to send what was submitted, or free some space.', clock: 'Clock', clockOk: 'Same as the server', clockOff: '{d} off the server, noted as it is', needNetwork: 'Needs a network', on: 'on', off: 'off',
  },
  kitchen: { title: 'Kitchen', none: 'No cameras', noneHelp: 'They appear once the bureau has connected them.', age: 'Picture of {when}', offline: 'Pictures need a network', noPicture: 'No picture', refresh: 'Refresh', live: 'Every 10 s', online: '{online} of {total} on line' },
  alerts: {
    title: 'Alerts', none: 'Nothing to answer', noneHelp: 'An alert shows here with its picture and its deadline.', open: 'To put right', history: 'All', due: 'Answer by {when}', overdue: 'Overdue', answer: 'Answer', text: 'What was done', textHelp: 'Such as: rat guard replaced, floor disinfected', photos: 'Photos of it', submit: 'Send answer', sent: 'Sent, waiting for review', needText: 'Say what was done', raised: 'Seen {when}', offline: 'Sending needs a network. What you wrote is kept here.', timeline: 'History', loadFailed: 'Not loaded', sentBack: 'Sent back', order: 'What is asked', waiting: 'Answered, waiting for review', clip: 'Play clip', moreDetail: 'Detail',
    stale: 'It was changed meanwhile: please look and send again', action: { raise: 'Seen by the system', confirm: 'Confirmed', dispatch: 'Dispatched', rectify: 'Answered', review: 'Reviewed', accept: 'Closed', send_back: 'Sent back', dismiss: 'Dismissed', reopen: 'Reopened', clear: 'Cleared by itself' },
  },
  paper: {
    title: 'Self-check', today: '{done} of {all} reported today', noneToday: 'Nothing to report today', lateCount: '{n} overdue', unknown: 'What is due today is not known yet', unknownHelp: 'Pull down to ask the server for what is due.', unknownOffline: 'It comes with the network; afterwards it works without.',
    late: 'Overdue', dueToday: 'Due today', soon: 'This week and month', any: 'At any time', sent: 'Last reported', due: 'by {when}', anyTime: 'One for each delivery', weekOf: 'week of {date}', monthOf: 'month {month}', state: { missing: 'Overdue', waiting: 'To do', draft: 'Begun', queued: 'To send', done: 'Reported', new: 'New' },
    meal: { breakfast: 'Breakfast', lunch: 'Lunch', dinner: 'Dinner', snack: 'Snack' }, problems: '{n} not right', fine: 'All right', by: '{name}, {when}', received: 'received {when}', notHere: 'This paper has not come to this phone yet; try again with a network',
    dropAsk: 'Remove “{name}”, which is half filled in?', allWell: 'Looked at everything: all is well (zero risk)', gaps: '{n} still to fill in', left: '{n} left', send: 'Send', sending: 'Handed in, being sent', kept: 'Safe on this phone; it is sent when there is a network',
    samples: 'Samples', samplesOver: 'Samples kept for 48 hours', keptAt: 'kept {when}', discard: 'Thrown away', keepUntil: 'keep until {when}', keeping: 'Being kept', discarded: 'thrown away {when}', labels: 'Print labels ({n})', labelsTitle: 'Labels of samples', labelsHelp: 'One a box, 50 by 30 mm. Print from here, or keep the picture for a label printer.', print: 'Print', noLabels: 'No labels', noLabelsHelp: 'There are labels once the paper of samples was handed in.',
    label: { meal: 'Meal', kept: 'Kept', until: 'Until', by: 'By' }, proofNone: 'None lately', here: 'handed in here {when}, to be sent', photosOnline: '{n} pictures need the network', gone: 'This paper is not on this phone', goneHelp: 'The phone keeps the last ones; older ones are in the console.',
  },
  orders: {
    going: 'To send', notHere: 'This order is not on this phone; look again with a network', handed: 'Handed in, being sent', kept: 'Safe on this phone; sent when there is a network', offline: 'It can be filled in and handed in without a network; it is sent when there is one.', waits: 'Handed in, waiting to be sent', stuck: 'It was not accepted: see why', recheck: 'Re-check of {number}: {n} items', wholeList: 'Whole checklist', onlyOrdered: 'Ordered items only', pictures: '{n} pictures', unanswered: 'Not answered yet',
    title: 'Orders to put right', open: 'Open', all: 'All', none: 'No open orders', noneHelp: 'Orders issued after an inspection appear here.', progress: '{done} of {all} accepted', state: { ordered: 'To put right', answered: 'To re-check', closed: 'Closed', withdrawn: 'Withdrawn' },
    finding: 'Found', requirement: 'What is asked', before: 'Photo of the inspection', round: 'Answer {n}', accepted: 'Accepted', rejected: 'Not accepted', waiting: 'To re-check', verdict: 'Re-check', noteHelp: 'Remark; say what is missing where it is not accepted', needAll: 'Say or show for every item what was done', needVerdicts: 'Decide on every item, and say why one is not accepted', sent: 'Sent, waiting for the re-check', reviewSend: 'Send the re-check', reviewed: 'Sent',
  },
  lock: {
    title: 'Locked', who: 'Drafts and photos of {name} are encrypted on this phone', pin: 'PIN', open: 'Unlock', wrong: 'Wrong PIN. All drafts are there; wrong tries never delete anything.', wait: 'Try again in {d}', passkey: 'Unlock with fingerprint or face', passkeyFailed: 'Not recognised, use the PIN',
    failed: 'Not opened, try again', safe: 'Unlocking works offline. Wrong tries only slow down, they never delete.', forgot: 'Forgot the PIN: sign in online to set a new one', forgotOffline: 'Forgot the PIN: sign in once there is a network', another: 'Somebody else uses this phone',
    choose: 'Choose a PIN', change: 'Change PIN', now: 'Lock now', why: 'Drafts, photos and signatures are kept encrypted with your own key; others on this phone cannot open them. The PIN unlocks the app each time it is opened, also offline.',
    newPin: 'PIN (at least {n} digits or letters)', again: 'Once more', weak: 'At least {n}, not one character repeated nor digits in a row', differ: 'The two are not the same', withPasskey: 'Also unlock with this phone’s fingerprint or face', passkeyNot: 'This device cannot; the PIN works', save: 'Save', set: 'Set; everything is encrypted',
  },
  team: {
    otherPhone: '(another phone)',
    title: 'Inspecting together', alone: '{n} officer(s) named; tap to share the work', why: 'Two officers inspect one premises, each on a phone: name the other, divide the sections, each fills in a part; the lead joins them, has them signed and submits.', lead: 'Lead', add: 'Officers with you', addOne: 'Add', scanOfficer: 'Scan the code on their “Me” page',
    notOfficer: 'This is not an officer’s code', begin: 'Divide the work', leadHelp: 'The other scans the code below to join, also offline; with a network they find it among tasks and premises too.', memberHelp: 'Fill in your sections, then hand them to the lead.', code: 'Code to join', codeHelp: 'The other opens “Premises · Scan”', sections: 'Sections', parts: 'Progress',
    answered: '{n} answered', came: '{n} answers came', notYet: 'not yet', look: 'Look for what has come', lookOffline: 'No network; look again later', conflicts: '{n} items answered differently', conflictsHelp: 'Both are kept. The lead chooses which counts.', undecided: '{n} items are answered differently: choose first',
    memberOf: 'With {name}; fill in your sections', leadOf: 'You lead; {came} of {n} have handed in', handIn: 'Hand to the lead', handInAsk: 'Hand your {n} answers to the lead? Without a network they stay safe here and go by themselves later.', handInHelp: 'Your part is done. {name} joins the parts, and both sign there.', handedIn: 'Handed to the lead', handedInHelp: 'Until the lead submits you can change it and hand it in again.', revise: 'Change and hand in again',
    joinedBefore: 'You joined this inspection before. Continue?', join: 'Join the inspection of {name}', myCode: 'My code', myCodeShow: 'Show it to the lead',
    fault: { notNamed: 'This inspection does not name {name}. Ask the lead to add you first.', noTemplate: 'The checklist is not on this phone: synchronise, then scan again.', isLead: 'You lead this inspection; no need to scan.' },
  },
  scan: {
    title: 'Scan', aim: 'Point at the code', denied: 'No camera permission: allow it in the browser, or type below', noCamera: 'No camera: type below', help: 'Scan the code at the door, on the food licence, or the lead’s code. Works offline.', typed: 'Or type a licence number or the content of a code', notHere: 'This premises is not on this phone: perhaps outside your area. Synchronise first.',
    licenceNotHere: 'No premises with licence {number} on this phone. Synchronise, or look by name.', unknown: 'Unknown code. Scan a premises, a licence, or the lead’s code.', officer: 'This is an officer’s code: scan it under “Inspecting together”.',
  },
  late: {
    ended: 'Your account is closed. What was submitted goes to a supervisor by itself; what was not finished is below and can go there too. Everything is still on this phone.', endedShort: 'Account closed; everything is on this phone. Tap to see', draft: 'A draft that was not submitted', give: 'Hand to a supervisor', ask: 'Hand the inspection of “{name}” with its photos to a supervisor? They accept or reject it; nothing is lost.', handed: 'Handed to a supervisor', handedHelp: 'A supervisor decides; what you gathered is kept either way.',
  },
  meanwhile: {
    merged: 'This place was registered twice and is merged into “{into}”. Submit as usual: the inspection will belong to “{into}”.',
    template: 'The checklist has a newer version or was retired. This inspection keeps the version it began with and can be submitted.', premises: 'This premises is no longer on this phone: closed, merged, or outside your area. What you filled in stays and can be submitted; if refused, hand it to a supervisor.', renamed: 'The premises has a new name; this inspection keeps the one it began with.', assignment: 'The assignment was cancelled or done by others. What you filled in stays and can be submitted.',
  },
  visit: {
    title: 'At the door', todo: 'At the door: scan, show certificates, ask about recusal', opened: 'visit opened', closed: 'visit closed', shown: 'certificates shown', answered: 'recusal asked', door: 'Door code', doorHelp: 'Scan the code at the door: time and place of coming and going are kept. Without a code, leave it out.', scanOpen: 'Scan on coming', scanClose: 'Scan on going', wrongDoor: 'This is not the code of this premises', at: '{when}',
    certificates: 'Certificates', certificatesHelp: 'Show these certificates to the premises', show: 'They were shown', recusal: 'Recusal', recusalText: 'You may ask an officer to stand back who has an interest in this business or may not be impartial. Do you ask for it?', no: 'No', yes: 'Yes, asked for', why: 'Who, and why', whyNeeded: 'Write who is asked to stand back, and why', sign: 'Signature of the premises', answeredBy: '{name}: {answer}',
    requested: 'Recusal was asked for: pause and report to the head, who decides.', left: 'They left', leftReason: 'The representative left during the inspection without signing',
  },
  error: { title: 'That did not work', network: 'The server cannot be reached. Check the network.', unknown: 'Something unexpected: {detail}', storage: 'The storage of this phone cannot be opened', storageHelp: 'Leave private mode, or free some space, and try again.', server: 'The server has a problem. Try again later.', tooOld: 'This app is too old: update it first. Everything stays on this phone.' },
}
