const chinese = /^zh/i.test(process.env.LC_ALL ?? process.env.LC_MESSAGES ?? process.env.LANG ?? '')

/** A sentence in the language of the terminal: Chinese where `LANG` begins with zh, English elsewhere. */
export const say = (zh: string, en: string): string => (chinese ? zh : en)
