/** Which rows of a ledger are asked for; what is not given matches everything. */
export interface Selection {
  readonly appid?: string
  readonly touser?: string
  readonly template_id?: string
  readonly client_msg_id?: string
  /** Whatever else must hold. */
  readonly search?: Search
}

/** Whether a row is one that was searched for. */
export type Search = (row: Row) => boolean

export interface Row {
  readonly appid: string | null
  readonly touser: string | null
  readonly template_id: string | null
  readonly client_msg_id: string | null
}

export const matches = (row: Row, wanted: Selection): boolean =>
  (wanted.touser === undefined || row.touser === wanted.touser) &&
  (wanted.client_msg_id === undefined || row.client_msg_id === wanted.client_msg_id) &&
  (wanted.template_id === undefined || row.template_id === wanted.template_id) &&
  (wanted.appid === undefined || row.appid === wanted.appid) &&
  (wanted.search === undefined || wanted.search(row))

export const selectionKeys = ['appid', 'touser', 'template_id', 'client_msg_id'] as const

/** Whether every row is asked for. */
export const selectsAll = (wanted: Selection): boolean =>
  wanted.search === undefined && selectionKeys.every((key) => wanted[key] === undefined)
