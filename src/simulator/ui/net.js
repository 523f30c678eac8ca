// @ts-check
/** Talking to the simulator that served this page, and to nobody else. */

/**
 * @template T
 * @param {string} path below `/_ui/`
 * @returns {Promise<T>}
 */
export const get = async (path) => answerOf(await fetch(`/_ui/${path}`))

/**
 * @template T
 * @param {string} path below `/_ui/`
 * @param {unknown} body
 * @returns {Promise<T>}
 */
export const post = async (path, body) =>
  answerOf(
    await fetch(`/_ui/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )

/** @param {Response} response */
const answerOf = async (response) => {
  const json = await response.json()
  if (!response.ok) throw new Error(json.error ?? response.statusText)
  return json
}

/**
 * @typedef {object} Listener
 * @property {(rows: import('./views.d.ts').Row[], skipped: number) => void} messages
 * @property {(counts: import('./views.d.ts').Counts) => void} counts
 * @property {() => void} reset
 * @property {(connected: boolean) => void} connection
 * @property {(place: string) => void} place where to go on from, after every event
 */

/**
 * Listens for new messages. The browser comes back by itself after a lost connection and says where it was.
 * @param {string} query
 * @param {string} after
 * @param {Listener} listener
 * @returns {() => void} stops
 */
export const listen = (query, after, listener) => {
  const source = new EventSource(`/_ui/events?${new URLSearchParams({ q: query, after })}`)
  source.addEventListener('open', () => listener.connection(true))
  source.addEventListener('error', () => listener.connection(false))
  /**
   * @param {string} name
   * @param {(data: import('./views.d.ts').Counts & { rows: import('./views.d.ts').Row[], skipped: number }) => void} act
   */
  const on = (name, act) =>
    source.addEventListener(name, (event) => {
      listener.place(event.lastEventId)
      act(JSON.parse(event.data))
    })
  on('messages', (data) => {
    listener.messages(data.rows, data.skipped)
    listener.counts(data)
  })
  on('counts', listener.counts)
  on('reset', listener.reset)
  return () => source.close()
}
