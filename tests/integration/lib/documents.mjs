// The gateway's documents (OpenAPI, AsyncAPI) and whether they are valid and say what is answered. Where a document allows
// fields that it does not name, because more may come, these checks do not: what is sent today has to be in it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { root } from './programs.mjs';

const require = createRequire(import.meta.url);

/** A copy in which objects have no fields but those named. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  if (copy.type === 'object' && copy.properties && !('additionalProperties' in copy)) copy.additionalProperties = false;
  return copy;
}

/** Is `value` what `name` of the document's schemas says? Undefined, or the faults. */
export function schemasOf(document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ $id: 'document', components: { schemas: closed(document.components.schemas) } });
  const validators = new Map();
  const validatorOf = (reference) => {
    const schema = typeof reference === 'string' ? { $ref: `document#/components/schemas/${reference}` } : JSON.parse(JSON.stringify(closed(reference)).replaceAll('"#/', '"document#/'));
    return ajv.compile(schema);
  };
  return (reference, value) => {
    const key = JSON.stringify(reference);
    if (!validators.has(key)) validators.set(key, validatorOf(reference));
    const validate = validators.get(key);
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };
}

/** Undefined, or what is wrong with it by the schema of OpenAPI 3.1. */
export async function openapiFaults(document) {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  return valid ? undefined : JSON.stringify(errors).slice(0, 2000);
}

/** Likewise of AsyncAPI 3.0. */
export function asyncapiFaults(document) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false });
  const validate = ajv.compile(require('@asyncapi/specs/schemas/3.0.0-without-$id.json'));
  return validate(document) ? undefined : ajv.errorsText(validate.errors).slice(0, 2000);
}

/** Every $ref of a document leads somewhere in it. */
export function danglingReferences(document) {
  const dangling = [];
  const walk = (value) => {
    if (value === null || typeof value !== 'object') return;
    if (typeof value.$ref === 'string') {
      const target = value.$ref.slice(2).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).reduce((at, part) => at?.[part], document);
      if (!value.$ref.startsWith('#/') || target === undefined) dangling.push(value.$ref);
    }
    Object.values(value).forEach(walk);
  };
  walk(document);
  return dangling;
}

/** The paths that the gateway routes, out of its source: [path, is it all below it]. */
export const routes = () =>
  [...readFileSync(path.join(root, 'gateways/http.c'), 'utf8').matchAll(/\{"(\/[^"]*)", (true|false), \w+,[^}]*\}/g)].map(([, where, below]) => [where, below === 'true']);

/** Holds answers against an OpenAPI document. */
export class Answers {
  constructor(document) {
    this.document = document;
    this.fits = schemasOf(document);
    this.seen = new Set(); // "GET /path status"
  }

  #resolve(part) {
    return part?.$ref ? part.$ref.slice(2).split('/').reduce((at, name) => at[name], this.document) : part;
  }

  /** The faults of an answer of `template`: status, content type, body and headers. */
  faultsOf(template, status, headers, text, method = 'get') {
    const answer = this.#resolve(this.document.paths[template]?.[method]?.responses[status]);
    this.seen.add(`${method} ${template} ${status}`);
    if (!answer) return `${template} does not say ${status}: ${text}`;
    for (const [name, header] of Object.entries(answer.headers ?? {}))
      if (!headers.has(name) && !/^Access-Control|^Sec-/.test(name)) return `${template} ${status} has no header ${name} (${this.#resolve(header).description})`;
    if (!answer.content) return text === '' ? undefined : `${template} ${status} has a body: ${text}`;
    const [[type, { schema }]] = Object.entries(answer.content);
    if (!headers.get('content-type')?.startsWith(type)) return `${template} ${status} is ${headers.get('content-type')}, not ${type}`;
    const fault = this.fits(schema, type === 'application/json' ? JSON.parse(text) : text);
    return fault && `${template} ${status}: ${fault} in ${text.slice(0, 500)}`;
  }
}
