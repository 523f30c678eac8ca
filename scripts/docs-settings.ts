/** Writes docs/settings.md from the settings themselves. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settings } from '../src/config.ts'

export const settingsFile = join(import.meta.dirname, '..', 'docs', 'settings.md')

export const renderSettings = (): string => {
  const rows = Object.values(settings).map(
    ({ env, fallback, about }) => `| \`${env}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${about} |`,
  )
  return `# Settings

All settings come from the environment. A setting may also be read from a file, named by the same variable with \`_FILE\`
behind it; secrets are best given that way. An unknown name that begins with \`HONGYAN_\` is refused at the start.

| variable | default | what it does |
|---|---|---|
${rows.join('\n')}

The command line finds the service by \`HONGYAN_URL\`, \`HONGYAN_KEY_ID\` and \`HONGYAN_KEY_SECRET\`, or else by \`dev.json\` or
\`admin.json\` in the home folder.
`
}

if (import.meta.main) writeFileSync(settingsFile, renderSettings())
