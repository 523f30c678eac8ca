/** How the text of a template has changed: what a caller's data has to follow. */
import { parseTemplate, type TemplateField } from './template.ts'

export type Drift =
  | { readonly kind: 'added' | 'removed'; readonly key: string; readonly label: string }
  /** The same key under another label. */
  | { readonly kind: 'renamed'; readonly key: string; readonly from: string; readonly to: string }
  /** The same label with another key, as when a `thing` becomes a `phrase`. */
  | { readonly kind: 'retyped'; readonly label: string; readonly from: string; readonly to: string }

/** From one text to another. Order and white space are no change: data is an object. */
export const driftOf = (before: string, after: string): readonly Drift[] => {
  const old = parseTemplate(before).byKey
  const present = parseTemplate(after).byKey
  const drift: Drift[] = []
  for (const [key, { label }] of old) {
    const to = present.get(key)
    if (to && to.label !== label) drift.push({ kind: 'renamed', key, from: label, to: to.label })
  }
  const gone = [...old.values()].filter(({ key }) => !present.has(key))
  const come = byLabel([...present.values()].filter(({ key }) => !old.has(key)))
  for (const { key, label } of gone) {
    const to = label === '' ? undefined : come.get(label)?.shift()
    drift.push(to ? { kind: 'retyped', label, from: key, to: to.key } : { kind: 'removed', key, label })
  }
  for (const { key, label } of [...come.values()].flat()) drift.push({ kind: 'added', key, label })
  return drift
}

const byLabel = (fields: readonly TemplateField[]): Map<string, TemplateField[]> => {
  const groups = new Map<string, TemplateField[]>()
  for (const field of fields) {
    const group = groups.get(field.label)
    if (group) group.push(field)
    else groups.set(field.label, [field])
  }
  return groups
}

/** On one line, for logs and alerts. */
export const driftText = (drift: readonly Drift[]): string => drift.map(changeText).join(', ')

const changeText = (change: Drift): string => {
  switch (change.kind) {
    case 'added':
      return `+${change.key}`
    case 'removed':
      return `-${change.key}`
    case 'renamed':
      return `${change.key}: ${change.from} → ${change.to}`
    case 'retyped':
      return `${change.from} → ${change.to}`
  }
}
