// Whether an answer is what the OpenAPI document promises: its status, its content type, its body.
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Json = Record<string, unknown>;

export interface Operation {
  method: string;
  /** With `{name}` for parameters. */
  path: string;
  parameters: { in: string; name: string; required?: boolean }[];
  hasBody: boolean;
  /** By status, the content types that are documented. */
  responses: Record<string, string[]>;
}

export interface OpenApi {
  document: Json;
  operations: Operation[];
  /** Null when the answer is as documented, else what is wrong with it. */
  problem(
    operation: Operation,
    answer: { status: number; contentType: string; body: unknown },
  ): string | null;
}

export function readOpenApi(document: Json): OpenApi {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema({ $id: 'document', ...document });

  const operations = Object.entries(document['paths'] as Record<string, Record<string, Json>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]): Operation => ({
        method: method.toUpperCase(),
        path,
        parameters: (operation['parameters'] ?? []) as Operation['parameters'],
        hasBody: operation['requestBody'] !== undefined,
        responses: Object.fromEntries(
          Object.entries(operation['responses'] as Record<string, Json>).map(([status, response]) => [
            status,
            Object.keys((response['content'] ?? {}) as Json),
          ]),
        ),
      })),
  );

  return {
    document,
    operations,
    problem: ({ method, path, responses }, { status, contentType, body }) => {
      const documented = responses[String(status)];
      if (!documented) return `${status} is not documented; there are ${Object.keys(responses).join(', ')}`;
      const type = contentType.split(';')[0]?.trim() ?? '';
      if (!documented.includes(type)) return `${type} is not documented; there is ${documented.join(', ')}`;
      if (type !== 'application/json') return null;
      const place = [
        'paths',
        path,
        method.toLowerCase(),
        'responses',
        String(status),
        'content',
        type,
        'schema',
      ];
      const reference = `document#/${place.map(pointerPart).join('/')}`;
      const validate = ajv.getSchema(reference) ?? ajv.compile({ $ref: reference });
      return validate(body) ? null : ajv.errorsText(validate.errors);
    },
  };
}

const pointerPart = (text: string): string =>
  encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
