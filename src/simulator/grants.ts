/**
 * Who may still be sent what by subscribe/send. In the real world every message needs a grant that
 * the user gave: one-time, where one accept is one message, or long-term, where it is many (D).
 */
export interface Grants {
  /** Whether the next message would be taken; if not, the answer is 43101. */
  allows(appid: string, touser: string, templateId: string): boolean
  /** A message was accepted: a one-time grant is used up. */
  use(appid: string, touser: string, templateId: string): void
}

/** Every user has given every grant for ever. Who is toggled off by hand refuses all the same. */
export const boundlessGrants: Grants = { allows: () => true, use: () => {} }
