// Gemini: a language model, and what turns the tools of any MCP server into what it accepts.
export { createGemini, type GeminiOptions } from './gemini.ts';
