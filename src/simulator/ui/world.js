// @ts-check
/** What the simulator says about itself: its accounts, and which controls it offers. */
import { get } from './net.js'

/** @type {import('./views.d.ts').State} */
let state = { admin: '', keeps: true, offers: [], accounts: [], demo: null }

export const stateNow = () => state

export const loadState = async () => {
  state = await get('state')
}
