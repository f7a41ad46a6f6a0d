// What the protocol's conformance suite asks a server for, by the names and texts that the suite prescribes.
import { ScriptedError, type ScriptedAnswer } from '@insightloop/core/testing';
import { isJsonObject, type JsonObject } from '@insightloop/core';

/** One red pixel, and a sound of no length. */
const image =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const audio = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

const text = (value: string): JsonObject => ({ type: 'text', text: value });
const resource = (uri: string, mimeType: string, value: string): JsonObject => ({
  type: 'resource',
  resource: { uri, mimeType, text: value },
});
const picture = { type: 'image', data: image, mimeType: 'image/png' };

const tools: Record<string, ScriptedAnswer> = {
  test_simple_text: () => ({ content: [text('This is a simple text response for testing.')] }),
  test_image_content: () => ({ content: [picture] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: audio, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({
    content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  }),
  test_multiple_content_types: () => ({
    content: [
      text('Multiple content types test:'),
      picture,
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }),
  test_error_handling: () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  }),
  test_tool_with_logging: () => ({ content: [text('Tool with logging executed successfully')] }),
  async test_tool_with_progress(_params, { progress }) {
    for (const step of [0, 50, 100]) {
      progress({ progress: step, total: 100 });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { content: [text('done')] };
  },
  json_schema_2020_12_tool: () => ({ content: [text('called')] }),
};

const address = {
  $anchor: 'addressDef',
  type: 'object',
  properties: { street: { type: 'string' }, city: { type: 'string' } },
};

const schema2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

const prompts: Record<string, (args: JsonObject) => JsonObject[]> = {
  test_simple_prompt: () => [text('This is a simple prompt for testing.')],
  test_prompt_with_arguments: ({ arg1 = '', arg2 = '' }) => [text(JSON.stringify({ arg1, arg2 }))],
  test_prompt_with_embedded_resource: ({ resourceUri }) => [
    resource(
      typeof resourceUri === 'string' ? resourceUri : '',
      'text/plain',
      'Embedded resource content for testing.',
    ),
    text('Please process the embedded resource above.'),
  ],
  test_prompt_with_image: () => [picture, text('Please analyze the image above.')],
};

const promptArguments: Record<string, string[]> = {
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
};

function read(uri: string): JsonObject {
  if (uri === 'test://static-text') {
    return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
  }
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: image };
  const id = /^test:\/\/template\/(.+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new ScriptedError(-32002, `Resource ${uri} not found`, { uri });
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { uri, mimeType: 'application/json', text: JSON.stringify(data) };
}

export const conformanceAnswers: Record<string, ScriptedAnswer> = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion: protocolVersion ?? null,
    capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} },
    serverInfo: { name: 'conformance', version: '1.0.0' },
  }),
  'tools/list': () => ({
    tools: Object.keys(tools).map((name) => ({
      name,
      description: `The suite asks for ${name}.`,
      inputSchema: name === 'json_schema_2020_12_tool' ? schema2020 : { type: 'object', properties: {} },
    })),
  }),
  'tools/call'(params, context) {
    const answer = typeof params['name'] === 'string' ? tools[params['name']] : undefined;
    if (answer === undefined) throw new ScriptedError(-32602, 'no such tool');
    return answer(params, context);
  },
  'resources/list': () => ({
    resources: [
      { uri: 'test://static-text', name: 'static-text', mimeType: 'text/plain' },
      { uri: 'test://static-binary', name: 'static-binary', mimeType: 'image/png' },
    ],
  }),
  'resources/templates/list': () => ({
    resourceTemplates: [
      { uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' },
    ],
  }),
  'resources/read': ({ uri }) => ({ contents: [read(typeof uri === 'string' ? uri : '')] }),
  'prompts/list': () => ({
    prompts: Object.keys(prompts).map((name) => ({
      name,
      description: `The suite asks for ${name}.`,
      arguments: (promptArguments[name] ?? []).map((argument) => ({ name: argument, required: true })),
    })),
  }),
  'prompts/get'({ name, arguments: args }) {
    const messages = typeof name === 'string' ? prompts[name] : undefined;
    if (messages === undefined) throw new ScriptedError(-32602, 'no such prompt');
    return {
      messages: messages(isJsonObject(args) ? args : {}).map((content) => ({ role: 'user', content })),
    };
  },
  'completion/complete': () => ({ completion: { values: [], total: 0, hasMore: false } }),
};
