import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { Problem, type ProblemCode, type ProblemDetail } from './problems.ts'

/** Nothing is coerced, nothing is removed: what does not fit is refused, with the place. */
const ajv = new Ajv({ allErrors: true, strict: false, coerceTypes: false, removeAdditional: false })

/** Findings beyond these are not told. */
const maxFindings = 20

/** A function that answers the value as the schema's type, or throws a `Problem` with all findings. */
export const validator = <Schema extends TSchema>(schema: Schema): ((value: unknown) => Static<Schema>) => {
  const validate: ValidateFunction = ajv.compile(schema)
  return (value) => {
    if (!validate(value)) throw findingsProblem(validate.errors ?? [])
    return value as Static<Schema>
  }
}

/** Query parameters are texts; the integers among them are read as such before the schema sees them. */
export const queryValidator = <Schema extends TSchema>(schema: Schema, integers: readonly string[] = []) => {
  const validate = validator(schema)
  return (query: Readonly<Record<string, unknown>>): Static<Schema> => {
    const value: Record<string, unknown> = { ...query }
    for (const name of integers)
      if (typeof value[name] === 'string' && /^\d{1,15}$/.test(value[name])) value[name] = Number(value[name])
    return validate(value)
  }
}

const findingsProblem = (errors: readonly ErrorObject[]): Problem => {
  const findings = dropUnionNoise(errors).slice(0, maxFindings).map(finding)
  const first = findings[0]!
  return new Problem(first.code, {
    detail: `${first.pointer || 'The body'}: ${first.message}`,
    errors: findings,
  })
}

/** A value that fits no branch of a union is told once, as that, and not once for every branch. */
const dropUnionNoise = (errors: readonly ErrorObject[]): readonly ErrorObject[] => {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath)
  return errors.filter(({ keyword, instancePath }) =>
    keyword === 'anyOf'
      ? !unions.some((path) => path.startsWith(`${instancePath}/`))
      : !unions.some((path) => `${instancePath}/`.startsWith(`${path}/`)),
  )
}

const codeByKeyword: Readonly<Record<string, ProblemCode>> = {
  additionalProperties: 'unknown-field',
  required: 'missing-field',
  type: 'type',
}

const finding = ({ keyword, instancePath, message, params }: ErrorObject): ProblemDetail => {
  const code = codeByKeyword[keyword] ?? (keyword === 'anyOf' ? 'type' : 'value-invalid')
  switch (keyword) {
    case 'additionalProperties':
      return {
        pointer: `${instancePath}/${params.additionalProperty.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        code,
        message: 'There is no such field',
      }
    case 'required':
      return { pointer: `${instancePath}/${params.missingProperty}`, code, message: 'This field is required' }
    case 'enum':
      return { pointer: instancePath, code, message: `Must be one of: ${params.allowedValues.join(', ')}` }
    case 'anyOf':
      return {
        pointer: instancePath,
        code,
        message: 'Must be a text of 1 to 2000 characters, a number, or {"value": …}',
      }
    default:
      return { pointer: instancePath, code, message: `It ${message ?? 'is not valid'}` }
  }
}

/** For Fastify, whose routes check bodies and queries themselves. */
export const trust = () => () => true
